/* ACPI's tables in memory. */
#pragma once

#include <stdint.h>

/*
 * Make ACPI list no more processors than the first `wanted` that are enabled, as the shim gives
 * its guest as many vCPUs as are listed. Return how many there are, at least one.
 */
uint32_t keep_processors(uint32_t wanted);

/* Make a table (its header is 36 bytes) `size` bytes long, with the checksum that belongs to it. */
void set_table_size(uint8_t *table, uint32_t size);
