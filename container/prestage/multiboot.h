/* What boot loader and kernel agree on: the Multiboot Specification, version 0.6.96. */
#pragma once

#define MULTIBOOT_HEADER_MAGIC 0x1BADB002
#define MULTIBOOT_HEADER_FLAGS 3 /* align modules on pages, hand over a memory map */
#define MULTIBOOT_LOADER_MAGIC 0x2BADB002

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Bits of multiboot_info.flags: which fields hold something. */
enum {
    INFO_MEMORY = 1 << 0,
    INFO_COMMAND_LINE = 1 << 2,
    INFO_MODULES = 1 << 3,
    INFO_MEMORY_MAP = 1 << 6,
    INFO_LOADER_NAME = 1 << 9,
};

/* All addresses are physical, sizes in bytes but for the two of memory (KiB). */
struct multiboot_info {
    uint32_t flags;
    uint32_t memory_lower, memory_upper;
    uint32_t boot_device;
    uint32_t command_line;
    uint32_t module_count, modules;
    uint32_t symbols[4];
    uint32_t map_size, map;
    uint32_t drives[2];
    uint32_t config_table;
    uint32_t loader_name;
};

/* A file in memory: `end` is the first byte after it. */
struct multiboot_module {
    uint32_t start, end;
    uint32_t line;
    uint32_t reserved;
};
#endif
