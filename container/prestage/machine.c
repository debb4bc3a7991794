/* The machine's side of the console. */
#include "console.h"

enum {
    SERIAL_DATA = 0x3f8,   /* the first serial port, a 16550 */
    SERIAL_STATUS = 0x3fd,
    CAN_SEND = 0x20,
    XEN_LOG = 0xe9,        /* Xen puts lines written here into its own log: `xl dmesg` */
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
}

/* A PC stands still. Xen powers off a guest none of whose processors can wake up again. */
void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}
