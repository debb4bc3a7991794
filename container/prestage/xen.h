/* Calls to the hypervisor. */
#pragma once

#include <stdint.h>

/* Hypercalls, and how a domain names itself in them, by Xen's public header xen.h. */
enum { MEMORY_OP = 12, EVENT_CHANNEL_OP = 32, HVM_OP = 34 };
enum { OWN_DOMAIN = 0x7ff0 };

/* Whether there is a Xen to call. */
int is_on_xen(void);

/* Call it; return 0 or more, or an error below 0. */
int32_t call_xen(uint32_t call, uint32_t operation, void *argument);

/*
 * Set the vector at which vCPUs 0 to `vcpus` - 1 learn of events. Does nothing without Xen.
 *
 * The shim does so itself, but only after an event was marked as pending for it: hosts without
 * Xen's fix of January 2018 ("inject a spurious event after setting upcall vector") then never
 * deliver that event, nor a later one.
 */
void set_event_vectors(uint32_t vector, uint32_t vcpus);

/*
 * Give pages of memory other addresses, or refuse: `count` of them (at most 65535) from `from` on
 * are found from `to` on afterwards, where there must be none, and hold what they held.
 */
void move_pages(uint32_t from, uint32_t to, uint32_t count);
