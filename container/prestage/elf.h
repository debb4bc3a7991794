/* The shim: an ELF image of 32 bits. */
#pragma once

#include "memory.h"

/* In physical memory: where to enter it, and the first byte after it. */
struct shim {
    uint32_t entry, end;
};

/* Put the segments where the image wants them. */
struct shim load_shim(struct range file);
