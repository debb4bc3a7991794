#include "xen.h"

#include "console.h"
#include "layout.h"
#include "memory.h"

/* Xen's public headers: arch-x86/cpuid.h, xen.h, hvm/hvm_op.h, memory.h. */
enum {
    FIRST_LEAF = 0x40000000, LAST_LEAF = 0x40010000, LEAF_STEP = 0x100,
    HYPERCALL_PAGE_LEAF = 2, /* from Xen's first; ebx: the register to write the page's address to */
    HYPERCALL_SIZE = 32,     /* code of each call in that page */
    SET_EVENT_VECTOR = 23,   /* HVMOP_set_evtchn_upcall_vector, in Xen 4.6 and later */
    ADD_TO_PHYSMAP = 7, OWN_PAGES = 3, /* XENMAPSPACE_gmfn_range, in Xen 4.2 and later */
};

struct event_vector {
    uint32_t vcpu;
    uint8_t vector;
};

struct pages {
    uint16_t domain, count;
    uint32_t space, from, to; /* page numbers */
};

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static uint8_t hypercall_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static struct cpuid cpuid(uint32_t leaf)
{
    struct cpuid found;
    __asm__ volatile("cpuid"
                     : "=a"(found.eax), "=b"(found.ebx), "=c"(found.ecx), "=d"(found.edx)
                     : "0"(leaf), "2"(0));
    return found;
}

/* Return the first of Xen's leaves, 0 without Xen: others may pretend to be someone else too. */
static uint32_t find_xen(void)
{
    for (uint32_t leaf = FIRST_LEAF; leaf < LAST_LEAF; leaf += LEAF_STEP) {
        struct cpuid found = cpuid(leaf);
        if (!memcmp(&found.ebx, "XenVMMXenVMM", 12))
            return leaf;
    }
    return 0;
}

int is_on_xen(void)
{
    static int asked;
    static uint32_t xen;
    if (!asked) {
        asked = 1;
        xen = find_xen();
        if (xen) /* have Xen fill a page with the code that calls it */
            __asm__ volatile("wrmsr"
                             :
                             : "c"(cpuid(xen + HYPERCALL_PAGE_LEAF).ebx),
                               "a"(address_of(hypercall_page)), "d"(0)
                             : "memory");
    }
    return xen != 0;
}

int32_t call_xen(uint32_t call, uint32_t operation, void *argument)
{
    int32_t result;
    __asm__ volatile("call *%3"
                     : "=a"(result), "+b"(operation), "+c"(argument)
                     : "r"(hypercall_page + call * HYPERCALL_SIZE)
                     : "memory");
    return result;
}

void set_event_vectors(uint32_t vector, uint32_t vcpus)
{
    if (!is_on_xen()) {
        report("no Xen here, so no event vector is set");
        return;
    }
    for (uint32_t vcpu = 0; vcpu < vcpus; vcpu++) {
        struct event_vector wanted = {vcpu, (uint8_t)vector};
        int32_t result = call_xen(HVM_OP, SET_EVENT_VECTOR, &wanted);
        if (result)
            refuse("Xen does not set event vector %x for vCPU %u (error %u)", vector, vcpu,
                   (uint32_t)-result);
    }
    report("event vector %x set for %u vCPUs", vector, vcpus);
}

void move_pages(uint32_t from, uint32_t to, uint32_t count)
{
    struct pages wanted = {
        OWN_DOMAIN, (uint16_t)count, OWN_PAGES, from / PAGE_SIZE, to / PAGE_SIZE,
    };
    int32_t result = call_xen(MEMORY_OP, ADD_TO_PHYSMAP, &wanted);
    if (result)
        refuse("Xen does not move memory from %x to %x (error %u); raise memory=", from, to,
               (uint32_t)-result);
}
