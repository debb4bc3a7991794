/*
 * The parameter file: what shimtool tells the pre-stage of a guest.
 *
 * Version 1, whole numbers of 32 bits, least significant byte first:
 *
 *    0  "prestage"
 *    8  version: 1, or 2 with a block
 *   12  size of the file in bytes
 *   16  CRC-32 (as in zlib) of the whole file with this field zero
 *   20  verbose: 1 to report each step, else 0
 *   24  vcpus: how many processors the guest starts with, 1 to 128
 *   28  event vector: set for each of them before the shim runs, 0x10 to 0xff; 0 for none
 *   32  size of the shim
 *   36  guard before the kernel: 0, or 4096 bytes that do not belong to it
 *   40  size of the kernel without guard, at least 1
 *   44  guard before the ramdisk
 *   48  size of the ramdisk without guard; 0 where there is none
 *   52  length of the shim's line, at most 1023
 *   56  length of the guest's line, at most 1023
 *   60  the shim's line, a zero byte, the guest's line, a zero byte: no others are in them
 *
 * In version 2 the lines begin at 68:
 *
 *   60  block: bytes of the block of memory that must be free for the kernel (room.h), a power of
 *       two, 0x400000 to 0x20000000
 *   64  enough: bytes of memory with which it is free as things are: more than the block, at
 *       most 0x80000000
 */
#pragma once

#include "memory.h"

/* A file that the loader read: the size it has in the ISO, and how much of that is guard. */
struct stored {
    uint32_t guard;
    uint32_t size;
};

/* A block of memory for the kernel, to be made free where there is not `enough` memory. */
struct block {
    uint32_t size, enough;
};

struct params {
    uint32_t verbose;
    uint32_t vcpus;
    uint32_t event_vector;
    struct block block; /* of 0 bytes where none has to be made free */
    struct stored shim, kernel, ramdisk;
    uint32_t shim_line, guest_line; /* addresses of zero-terminated text */
};

/* Read a parameter file; refuse one that does not follow the above in every field. */
struct params read_params(struct range file);
