/* ACPI's table of processors and interrupt controllers. */
#pragma once

#include <stdint.h>

/*
 * Take all processors off a MADT but the first `wanted` that are enabled, and mend length and
 * checksum. Return how many are left. `size` is the table's own, and its checksum is right.
 */
uint32_t trim_madt(uint8_t *madt, uint32_t size, uint32_t wanted);
