/* The machine's side of the console. */
#include "console.h"

#include "guest_console.h"
#include "memory.h"

enum {
    SERIAL_DATA = 0x3f8,   /* the first serial port, a 16550 */
    SERIAL_STATUS = 0x3fd,
    CAN_SEND = 0x20,
    XEN_LOG = 0xe9,        /* Xen's own log, `xl dmesg`, where guest_loglvl lets it through */
    FIRST_PIC_MASK = 0x21, SECOND_PIC_MASK = 0xa1,
    TASK_PRIORITY = 0xfee00080, /* of the local APIC: interrupts up to here do not come through */
};

static void out(uint16_t port, uint8_t byte)
{
    __asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
    uint8_t byte;
    __asm__ volatile("inb %1, %0" : "=a"(byte) : "Nd"(port));
    return byte;
}

void write_byte(char byte)
{
    out(XEN_LOG, (uint8_t)byte);
    for (int tries = 0; tries < 100000 && !(in(SERIAL_STATUS) & CAN_SEND); tries++)
        ;
    out(SERIAL_DATA, (uint8_t)byte);
    write_guest_console(byte);
}

/*
 * Stand still, with interrupts allowed and all of them masked: Xen powers off a guest that waits
 * with interrupts off, and what its console shows would be gone before anybody reads it.
 */
void halt(void)
{
    out(FIRST_PIC_MASK, 0xff);
    out(SECOND_PIC_MASK, 0xff);
    *(volatile uint32_t *)at(TASK_PRIORITY, sizeof(uint32_t)) = 0xff;
    for (;;)
        __asm__ volatile("sti; hlt");
}
