/*
 * The way in and out. A multiboot loader enters at `start`: 32 bits, paging and interrupts off,
 * flat segments, eax its magic number, ebx the address of its information. The shim wants the same.
 */
#include "layout.h"
#include "multiboot.h"

        .section .multiboot, "a"
        .long MULTIBOOT_HEADER_MAGIC
        .long MULTIBOOT_HEADER_FLAGS
        .long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_HEADER_FLAGS)

        .text
        .globl start
start:
        cli
        cld
        mov $stack_end, %esp
        push %ebx
        push %eax
        call prestage           /* does not return */

        .globl enter_shim       /* void enter_shim(uint32_t entry, uint32_t info) */
enter_shim:
        mov 4(%esp), %ecx
        mov 8(%esp), %ebx
        mov $MULTIBOOT_LOADER_MAGIC, %eax
        jmp *%ecx

        .bss
        .balign 16
        .skip 2 * PAGE_SIZE
stack_end:

        .section .shim_room, "aw", @nobits
        .skip SHIM_ROOM_END - SHIM_ROOM_START

        .section .note.GNU-stack, "", @progbits
