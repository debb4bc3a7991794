#include "console.h"

#include <stdarg.h>

uint32_t verbose;

static void write_text(const char *text)
{
    while (*text)
        write_byte(*text++);
}

static void write_number(uint32_t number, uint32_t base)
{
    char digits[11], *first = digits + sizeof digits - 1;
    *first = 0;
    do
        *--first = "0123456789abcdef"[number % base];
    while (number /= base);
    write_text(first);
}

static void write_line(const char *start, const char *format, va_list numbers)
{
    write_text("prestage: ");
    write_text(start);
    for (; *format; format++) {
        if (*format != '%') {
            write_byte(*format);
        } else if (*++format == 'x') {
            write_text("0x");
            write_number(va_arg(numbers, uint32_t), 16);
        } else {
            write_number(va_arg(numbers, uint32_t), 10);
        }
    }
    write_text("\r\n");
}

void report(const char *format, ...)
{
    va_list numbers;
    if (!verbose)
        return;
    va_start(numbers, format);
    write_line("", format, numbers);
    va_end(numbers);
}

void refuse(const char *format, ...)
{
    va_list numbers;
    va_start(numbers, format);
    write_line("cannot start the guest: ", format, numbers);
    va_end(numbers);
    halt();
}
