/* Where things lie in memory, for the compiler, the assembler and the linker script. */
#pragma once

/* The program itself: above the first megabyte, which belongs to the BIOS, and below the shim. */
#define PRESTAGE_START 0x100000

/*
 * Room for the shim's segments. It is part of our own image (as memory without content), so that
 * the boot loader makes sure that it is RAM and puts no module there. The shims known ask for
 * 0x200000 and up to 8 MB from there.
 */
#define SHIM_ROOM_START 0x200000
#define SHIM_ROOM_END 0x1200000

#define PAGE_SIZE 4096
