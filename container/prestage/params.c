#include "params.h"

#include "console.h"
#include "layout.h"

enum {
    VERSION = 1, WITH_BLOCK = 2,
    MAX_VCPUS = 128,
    MIN_VECTOR = 0x10, MAX_VECTOR = 0xff,
    MIN_BLOCK = 4 << 20, MAX_BLOCK = 512 << 20,
    MAX_ENOUGH = 0x80000000u,
    MAX_LINE = 1023,
};

struct header {
    char magic[8];
    uint32_t version, size, checksum;
    uint32_t verbose, vcpus, event_vector;
    uint32_t shim_size;
    struct stored kernel, ramdisk;
    uint32_t shim_line_length, guest_line_length;
};

static uint32_t crc(uint32_t state, const uint8_t *data, uint32_t size)
{
    for (; size; size--) {
        state ^= *data++;
        for (int bit = 0; bit < 8; bit++)
            state = state >> 1 ^ (0xedb88320 & -(state & 1));
    }
    return state;
}

static uint32_t checksum(struct header header, const uint8_t *rest, uint32_t rest_size)
{
    header.checksum = 0;
    return ~crc(crc(~0u, (const uint8_t *)&header, sizeof header), rest, rest_size);
}

static void check_range(const char *refusal, uint32_t value, uint32_t min, uint32_t max)
{
    if (value < min || value > max)
        refuse(refusal, value);
}

static void check_guard(uint32_t guard)
{
    if (guard && guard != PAGE_SIZE)
        refuse("the parameter file has a guard of %u bytes", guard);
}

/* Everything that can be said of a field without looking at the lines. */
static void check_fields(const struct header *header)
{
    check_range("the parameter file says verbose %u", header->verbose, 0, 1);
    check_range("the parameter file wants %u vCPUs", header->vcpus, 1, MAX_VCPUS);
    if (header->event_vector)
        check_range("the parameter file wants event vector %x", header->event_vector,
                    MIN_VECTOR, MAX_VECTOR);
    check_guard(header->kernel.guard);
    check_guard(header->ramdisk.guard);
    if (!header->kernel.size)
        refuse("the parameter file says that the kernel is empty");
    if (!header->ramdisk.size && header->ramdisk.guard)
        refuse("the parameter file has a guard before no ramdisk");
    check_range("the parameter file has a shim's line of %u bytes", header->shim_line_length,
                0, MAX_LINE);
    check_range("the parameter file has a guest's line of %u bytes", header->guest_line_length,
                0, MAX_LINE);
}

/* The size of the lines with their ends. */
static uint32_t lines_size(const struct header *header)
{
    return header->shim_line_length + 1 + header->guest_line_length + 1;
}

/* Read the block, which stands before the lines where there is one, and step over it. */
static struct block read_block(const struct header *header, struct range *rest)
{
    const char *refusal = "the parameter file wants a block of %x bytes";
    struct block block = {0, 0};
    if (header->version != WITH_BLOCK)
        return block;
    if (rest->end - rest->start < sizeof block)
        refuse("the parameter file is cut short: %u bytes", header->size);
    memcpy(&block, at(rest->start, sizeof block), sizeof block);
    rest->start += sizeof block;
    check_range(refusal, block.size, MIN_BLOCK, MAX_BLOCK);
    if (block.size & (block.size - 1))
        refuse(refusal, block.size);
    check_range("the parameter file says that %x bytes of memory are enough", block.enough,
                block.size + 1, MAX_ENOUGH);
    return block;
}

static void check_line(const uint8_t *line, uint32_t length)
{
    for (uint32_t i = 0; i <= length; i++)
        if (!line[i] != (i == length))
            refuse("a line in the parameter file does not end where it should, but at %u", i);
}

static struct header read_header(struct range file)
{
    struct header header;
    uint32_t size = file.end - file.start;
    if (size < sizeof header)
        refuse("the parameter file is cut short: %u bytes", size);
    memcpy(&header, at(file.start, sizeof header), sizeof header);
    if (memcmp(header.magic, "prestage", sizeof header.magic))
        refuse("the second module is no parameter file");
    if (header.version != VERSION && header.version != WITH_BLOCK)
        refuse("the parameter file has version %u, this pre-stage knows 1 and 2", header.version);
    if (header.size != size)
        refuse("the parameter file has %u bytes, and says %u", size, header.size);
    return header;
}

static void check_checksum(struct header header, struct range rest)
{
    uint32_t size = rest.end - rest.start;
    if (checksum(header, at(rest.start, size), size) != header.checksum)
        refuse("the parameter file is damaged: its checksum is wrong");
}

static void check_lines(const struct header *header, struct range rest)
{
    uint32_t size = rest.end - rest.start;
    if (size != lines_size(header))
        refuse("the lines in the parameter file take %u bytes, not %u", size, lines_size(header));
    const uint8_t *lines = at(rest.start, size);
    check_line(lines, header->shim_line_length);
    check_line(lines + header->shim_line_length + 1, header->guest_line_length);
}

struct params read_params(struct range file)
{
    struct header header = read_header(file);
    struct range rest = {file.start + sizeof header, file.end};
    check_checksum(header, rest);
    check_fields(&header);
    struct block block = read_block(&header, &rest);
    check_lines(&header, rest);
    return (struct params){
        .verbose = header.verbose,
        .vcpus = header.vcpus,
        .event_vector = header.event_vector,
        .block = block,
        .shim = {0, header.shim_size},
        .kernel = header.kernel,
        .ramdisk = header.ramdisk,
        .shim_line = rest.start,
        .guest_line = rest.start + header.shim_line_length + 1,
    };
}
