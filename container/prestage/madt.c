#include "madt.h"

#include "acpi.h"
#include "console.h"
#include "memory.h"

/* ACPI 6.5, 5.2.12: entries follow a header of 44 bytes, each begins with its type and length. */
enum {
    ENTRIES = 44,
    LOCAL_APIC = 0, LOCAL_APIC_SIZE = 8, LOCAL_APIC_FLAGS = 4,
    LOCAL_X2APIC = 9, LOCAL_X2APIC_SIZE = 16, LOCAL_X2APIC_FLAGS = 8,
    ENABLED = 1, /* in the flags: else it may be plugged in later, or is not there at all */
};

static int is_processor(const uint8_t *entry)
{
    return (entry[0] == LOCAL_APIC && entry[1] >= LOCAL_APIC_SIZE) ||
           (entry[0] == LOCAL_X2APIC && entry[1] >= LOCAL_X2APIC_SIZE);
}

static int is_enabled(const uint8_t *processor)
{
    return processor[processor[0] == LOCAL_APIC ? LOCAL_APIC_FLAGS : LOCAL_X2APIC_FLAGS] & ENABLED;
}

static void move_down(uint8_t *to, const uint8_t *from, uint32_t size)
{
    while (size--)
        *to++ = *from++;
}

uint32_t trim_madt(uint8_t *madt, uint32_t size, uint32_t wanted)
{
    uint32_t listed = 0, kept = 0, end = ENTRIES;
    if (size < ENTRIES)
        refuse("ACPI's list of processors (MADT) is cut short: %u bytes", size);
    for (uint32_t place = ENTRIES, length; place < size; place += length) {
        uint8_t *entry = madt + place;
        length = size - place < 2 ? 0 : entry[1];
        if (length < 2 || length > size - place)
            refuse("ACPI's list of processors (MADT) is damaged at byte %u of %u", place, size);
        if (is_processor(entry)) {
            listed++;
            if (kept == wanted || !is_enabled(entry))
                continue;
            kept++;
        }
        move_down(madt + end, entry, length);
        end += length;
    }
    set_table_size(madt, end);
    if (end != size) /* else this was done already: two tables may list the same MADT */
        report("processors listed: %u, kept: %u", listed, kept);
    return kept;
}
