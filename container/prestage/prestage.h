/* The job as a whole. */
#pragma once

#include <stdint.h>

/* Where the shim is entered, and the address of the information that it gets. */
struct handover {
    uint32_t entry, info;
};

/* Do all that is to be done before the shim runs, or refuse. Arguments as the loader gives them. */
struct handover prepare(uint32_t magic, uint32_t info);

/* Prepare, then enter the shim. */
void prestage(uint32_t magic, uint32_t info) __attribute__((noreturn));

/* In start.S. */
void enter_shim(uint32_t entry, uint32_t info) __attribute__((noreturn));
