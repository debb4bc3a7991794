#include "elf.h"

#include "console.h"
#include "layout.h"

/* Tool Interface Standard, Executable and Linking Format, version 1.2, book I. */
enum { EXECUTABLE = 2, INTEL_80386 = 3, LOADABLE = 1 };

struct elf_header {
    uint8_t magic[16];
    uint16_t type, machine;
    uint32_t version, entry;
    uint32_t segments, sections; /* offsets of the tables in the file */
    uint32_t flags;
    uint16_t header_size;
    uint16_t segment_size, segment_count;
    uint16_t section_size, section_count, section_names;
};

struct elf_segment {
    uint32_t type;
    uint32_t offset;
    uint32_t virtual_address, physical_address;
    uint32_t file_size, memory_size;
    uint32_t flags, alignment;
};

static struct elf_header read_elf_header(struct range file)
{
    static const uint8_t magic[] = {0x7f, 'E', 'L', 'F', 1, 1, 1}; /* 32 bits, little endian */
    struct elf_header header;
    uint32_t size = file.end - file.start;
    if (size < sizeof header)
        refuse("the shim is cut short: %u bytes", size);
    memcpy(&header, at(file.start, sizeof header), sizeof header);
    if (memcmp(header.magic, magic, sizeof magic) || header.type != EXECUTABLE ||
        header.machine != INTEL_80386)
        refuse("the shim is no program for 32-bit x86 in ELF format");
    if (header.segment_size < sizeof(struct elf_segment) || header.segments > size ||
        (uint32_t)header.segment_count * header.segment_size > size - header.segments)
        refuse("the shim is damaged: its table of segments at %x goes beyond its end at %x",
               header.segments, size);
    return header;
}

static void check_segment(const struct elf_segment *segment, uint32_t size)
{
    uint32_t start = segment->physical_address;
    if (segment->offset > size || segment->file_size > size - segment->offset)
        refuse("the shim is damaged: %x bytes at %x go beyond its end at %x",
               segment->file_size, segment->offset, size);
    if (segment->file_size > segment->memory_size)
        refuse("the shim is damaged: %x bytes for %x bytes of memory", segment->file_size,
               segment->memory_size);
    if (start < SHIM_ROOM_START || start > SHIM_ROOM_END ||
        segment->memory_size > SHIM_ROOM_END - start)
        refuse("the shim wants %x bytes of memory at %x, kept for it are %x to %x",
               segment->memory_size, start, SHIM_ROOM_START, SHIM_ROOM_END);
}

static void load_segment(const struct elf_segment *segment, uint32_t file)
{
    uint32_t start = segment->physical_address, rest = segment->memory_size - segment->file_size;
    memcpy(at(start, segment->file_size), at(file + segment->offset, segment->file_size),
           segment->file_size);
    memset(at(start + segment->file_size, rest), 0, rest);
    report("shim: %x bytes of memory at %x", segment->memory_size, start);
}

struct shim load_shim(struct range file)
{
    struct elf_header header = read_elf_header(file);
    struct shim shim = {0, 0};
    for (uint32_t i = 0; i < header.segment_count; i++) {
        struct elf_segment segment;
        uint32_t place = file.start + header.segments + i * header.segment_size;
        memcpy(&segment, at(place, sizeof segment), sizeof segment);
        if (segment.type != LOADABLE)
            continue;
        check_segment(&segment, file.end - file.start);
        load_segment(&segment, file.start);
        uint32_t end = segment.physical_address + segment.memory_size;
        if (end > shim.end)
            shim.end = end;
        if (header.entry - segment.virtual_address < segment.file_size)
            shim.entry = header.entry - segment.virtual_address + segment.physical_address;
    }
    if (!shim.entry)
        refuse("the shim has no loadable segment that holds its entry point %x", header.entry);
    return shim;
}
