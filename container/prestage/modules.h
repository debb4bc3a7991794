/* The files that the loader read into memory. */
#pragma once

#include "memory.h"
#include "multiboot.h"
#include "params.h"

/* `ramdisk` is empty (0 to 0) where there is none. */
struct modules {
    struct range shim, params, kernel, ramdisk;
};

/* Read the loader's list; refuse what lies on something else, or is not on a page of its own. */
struct modules read_modules(const struct multiboot_info *info);

/* Return a file without its guard; refuse one that has not the size it was stored with. */
struct range without_guard(const char *refusal, struct range file, struct stored stored);
