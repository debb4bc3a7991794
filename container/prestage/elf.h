/* The shim: an ELF image of 32 bits. */
#pragma once

#include "memory.h"

/* Put the segments where the image wants them; return the physical address to enter it at. */
uint32_t load_shim(struct range file);
