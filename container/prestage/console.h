/* What an admin gets to read. Formats know %u (decimal) and %x (hexadecimal, with 0x) only. */
#pragma once

#include <stdint.h>

/* Whether report() says anything. */
extern uint32_t verbose;

/* Write a line of what was found or done. */
void report(const char *format, ...);

/* Write why the guest cannot start, and end here. */
void refuse(const char *format, ...) __attribute__((noreturn));

/* The machine's side, in machine.c. */
void write_byte(char byte);
void halt(void) __attribute__((noreturn));
