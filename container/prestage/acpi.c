#include "acpi.h"

#include "console.h"
#include "madt.h"
#include "memory.h"

/* ACPI 6.5, 5.2.5 (where the root pointer is and what it holds) and 5.2.6 (a table's header). */
enum {
    EBDA_SEGMENT = 0x40e, EBDA_SEARCHED = 1024,
    BIOS_START = 0xe0000, BIOS_END = 0x100000,
    ROOT_STEP = 16, ROOT_SIZE = 20, ROOT_REVISION = 15, ROOT_RSDT = 16,
    LONG_ROOT_SIZE = 36, ROOT_XSDT = 24,
    HEADER_SIZE = 36, TABLE_SIZE = 4, TABLE_CHECKSUM = 9,
    MAX_TABLE_SIZE = 1 << 20,
};

static uint32_t number(const uint8_t *place)
{
    uint32_t value;
    memcpy(&value, place, sizeof value);
    return value;
}

/* The sum of all bytes of a table that is whole is 0. */
static uint8_t sum(const uint8_t *data, uint32_t size)
{
    uint8_t total = 0;
    while (size--)
        total += *data++;
    return total;
}

void set_table_size(uint8_t *table, uint32_t size)
{
    memcpy(table + TABLE_SIZE, &size, sizeof size);
    table[TABLE_CHECKSUM] -= sum(table, size);
}

static uint32_t root_between(uint32_t start, uint32_t end)
{
    for (; end - start >= ROOT_SIZE; start += ROOT_STEP) {
        const uint8_t *root = at(start, ROOT_SIZE);
        if (!memcmp(root, "RSD PTR ", 8) && !sum(root, ROOT_SIZE))
            return start;
    }
    return 0;
}

static uint32_t find_root(void)
{
    uint16_t segment;
    uint32_t ebda, root = 0;
    memcpy(&segment, at(EBDA_SEGMENT, sizeof segment), sizeof segment);
    ebda = (uint32_t)segment << 4;
    if (ebda)
        root = root_between(ebda, ebda + EBDA_SEARCHED);
    return root ? root : root_between(BIOS_START, BIOS_END);
}

/* Return a whole table and its size, or nothing where another one lies. */
static uint8_t *table_at(uint32_t address, const char *signature, uint32_t *size)
{
    const uint8_t *header = at(address, HEADER_SIZE);
    if (memcmp(header, signature, 4))
        return NULL;
    *size = number(header + TABLE_SIZE);
    if (*size < HEADER_SIZE || *size > MAX_TABLE_SIZE || sum(at(address, *size), *size))
        refuse("ACPI's table at %x is damaged", address);
    return at(address, *size);
}

/* Trim the MADTs that a root table lists; return how many processors are left, 0 without one. */
static uint32_t trim_listed(const char *signature, uint32_t address, uint32_t entry_size,
                            uint32_t wanted)
{
    uint32_t size = 0, madt_size, kept = 0;
    const uint8_t *root = address ? table_at(address, signature, &size) : NULL;
    for (uint32_t place = HEADER_SIZE; root && size - place >= entry_size; place += entry_size) {
        uint8_t *madt;
        if (entry_size > 4 && number(root + place + 4))
            continue; /* above 4 GB, out of our reach: no firmware seen puts a table there */
        madt = table_at(number(root + place), "APIC", &madt_size);
        if (madt)
            kept = trim_madt(madt, madt_size, wanted);
    }
    return kept;
}

uint32_t keep_processors(uint32_t wanted)
{
    uint32_t address = find_root(), kept, kept_long = 0;
    const uint8_t *root;
    if (!address)
        refuse("the host gives the guest no ACPI tables");
    root = at(address, ROOT_SIZE);
    kept = trim_listed("RSDT", number(root + ROOT_RSDT), 4, wanted);
    if (root[ROOT_REVISION] >= 2) {
        root = at(address, LONG_ROOT_SIZE);
        if (number(root + ROOT_XSDT + 4))
            refuse("ACPI's tables lie above 4 GB");
        kept_long = trim_listed("XSDT", number(root + ROOT_XSDT), 8, wanted);
    }
    if (!kept && !kept_long)
        refuse("ACPI lists no enabled processor");
    return kept > kept_long ? kept : kept_long;
}
