/*
 * Room for the guest's kernel.
 *
 * A shim puts the guest's kernel into one free block of memory, a power of two in size and aligned
 * to it. From 0 up the first such block is never free, so that a small guest would need twice as
 * much memory as the block has. What lies elsewhere can be moved: its pages get other addresses,
 * as hvmloader gives some of them where PCI devices want theirs. That takes large pages apart, so
 * it is done only for guests that would not start without it.
 *
 * Xen keeps its tables of a guest's pages in a pool, of a page for each MiB at least (what libxl
 * gives by itself, seen with 4.17). A table is a page and maps 2 MiB. What is moved needs two, where
 * it was and where it goes; the block needs one, and only when it migrates: that is less.
 */
#pragma once

#include "memory.h"
#include "modules.h"
#include "params.h"

enum { MAX_MAP_SIZE = 8192 };

/* The loader's map of memory, of `size` bytes; as the Multiboot Specification has it. */
struct memory_map {
    uint8_t *entries;
    uint32_t size, capacity; /* bytes: used, and those there are */
};

/*
 * Let a block be free, with all other memory from `low_end` on behind it in one piece: there the
 * shim puts itself and the modules. Changes the map to match, and the places of the modules. Does
 * nothing where there is enough memory, or no Xen. Refuses where no block can be made free; should
 * Xen not move pages, also after some were.
 */
void make_room(struct block block, uint32_t low_end, struct memory_map *map,
               struct modules *modules);
