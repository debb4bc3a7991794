/* Calls to the hypervisor. */
#pragma once

#include <stdint.h>

/*
 * Set the vector at which vCPUs 0 to `vcpus` - 1 learn of events. Does nothing without Xen.
 *
 * The shim does so itself, but only after an event was marked as pending for it: hosts without
 * Xen's fix of January 2018 ("inject a spurious event after setting upcall vector") then never
 * deliver that event, nor a later one.
 */
void set_event_vectors(uint32_t vector, uint32_t vcpus);
