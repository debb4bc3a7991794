#include "guest_console.h"

#include <stddef.h>

#include "layout.h"
#include "memory.h"
#include "xen.h"

/* Xen's public headers: hvm/hvm_op.h, hvm/params.h, event_channel.h, io/console.h. */
enum {
    GET_PARAM = 1, CONSOLE_PAGE = 17, CONSOLE_PORT = 18,
    SEND = 4,
    RING_SIZE = 2048,
};

struct param {
    uint16_t domain, padding;
    uint32_t index;
    uint64_t value;
};

struct ring {
    char in[1024], out[RING_SIZE];
    uint32_t in_read, in_written, out_read, out_written; /* bytes since the start of time */
};

static volatile struct ring *ring;
static uint32_t port; /* to say that something was written */

static uint32_t hvm_param(uint32_t index)
{
    struct param param = {.domain = OWN_DOMAIN, .index = index};
    return call_xen(HVM_OP, GET_PARAM, &param) ? 0 : (uint32_t)param.value;
}

static void find_ring(void)
{
    static int asked;
    if (asked || !is_on_xen())
        return;
    asked = 1;
    uint32_t page = hvm_param(CONSOLE_PAGE);
    port = hvm_param(CONSOLE_PORT);
    if (page)
        ring = at(page * PAGE_SIZE, sizeof(struct ring));
}

void write_guest_console(char byte)
{
    find_ring();
    if (!ring || ring->out_written - ring->out_read >= RING_SIZE)
        return; /* nobody reads it */
    ring->out[ring->out_written % RING_SIZE] = byte;
    ring->out_written++;
    if (byte == '\n')
        call_xen(EVENT_CHANNEL_OP, SEND, &port);
}
