/* Physical memory. Paging is off: on the machine, an address is a pointer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* From `start` up to `end`, the first byte after it. */
struct range {
    uint32_t start, end;
};

/* The `size` bytes of memory at `address`. The unit tests put something of their own here. */
void *at(uint32_t address, uint32_t size);

/* The address of an object of this program, which lies below 4 GB. */
static inline uint32_t address_of(const void *object)
{
    return (uint32_t)(uintptr_t)object;
}

/* As in C's <string.h>, which a program without C library has not got. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *one, const void *other, size_t size);
