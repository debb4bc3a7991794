#include "room.h"

#include "console.h"
#include "layout.h"
#include "xen.h"

enum {
    USABLE = 1, /* the kind of an entry that is memory */
    HIGHEST = 0x80000000u, /* where hvmloader may put devices, at the lowest */
    LARGE_PAGE = 2 << 20,
    MOST_PAGES = 0x8000, /* in one call: Xen counts them in 16 bits */
    MAX_MOVES = 16,
};

/* An entry of the loader's map; `size` is that of what follows it. */
struct map_entry {
    uint32_t size;
    uint64_t start, length;
    uint32_t kind;
} __attribute__((packed));

/* What goes where; `next` is the end of all that was moved. */
struct moves {
    struct {
        struct range from;
        uint32_t to;
    } list[MAX_MOVES];
    uint32_t count, next;
};

static uint32_t align(uint32_t address, uint32_t to)
{
    return (address + to - 1) & -to;
}

/* Read the entry at `offset` and step over it. */
static struct map_entry next_entry(const struct memory_map *map, uint32_t *offset)
{
    struct map_entry entry;
    uint32_t least = sizeof entry - sizeof entry.size, rest = map->size - *offset;
    if (rest < sizeof entry)
        refuse("the memory map ends within an entry, at %u", *offset);
    memcpy(&entry, map->entries + *offset, sizeof entry);
    if (entry.size < least || entry.size > rest - sizeof entry.size)
        refuse("the memory map has an entry of %u bytes, at %u", entry.size, *offset);
    *offset += sizeof entry.size + entry.size;
    return entry;
}

/* Whether it lies where memory can be moved from and to. */
static int is_low(const struct map_entry *entry)
{
    return entry->start < HIGHEST;
}

/* Return the whole pages of an entry from `low_end` on; empty where there are none. */
static struct range pages_of(const struct map_entry *entry, uint32_t low_end)
{
    if (entry->kind != USABLE || !is_low(entry))
        return (struct range){0, 0};
    uint32_t start = align((uint32_t)entry->start, PAGE_SIZE);
    uint32_t end = (uint32_t)(entry->start + entry->length) & -PAGE_SIZE;
    if (start < low_end)
        start = low_end;
    return start < end ? (struct range){start, end} : (struct range){0, 0};
}

/* Return the end of what begins low, HIGHEST where that is beyond. */
static uint32_t find_top(const struct memory_map *map)
{
    uint32_t top = 0;
    for (uint32_t offset = 0; offset < map->size;) {
        struct map_entry entry = next_entry(map, &offset);
        if (!is_low(&entry))
            continue;
        if (entry.length > HIGHEST - entry.start)
            return HIGHEST;
        uint32_t end = (uint32_t)(entry.start + entry.length);
        if (end > top)
            top = end;
    }
    return top;
}

static int is_clear_of(const struct modules *modules, struct range block)
{
    const struct range all[] = {modules->shim, modules->params, modules->kernel, modules->ramdisk};
    for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].start < block.end && block.start < all[i].end)
            return 0;
    return 1;
}

/* Find a block that is memory as a whole and has no module in it, or refuse. */
static struct range find_block(const struct memory_map *map, uint32_t size, uint32_t low_end,
                               const struct modules *modules)
{
    for (uint32_t offset = 0; offset < map->size;) {
        struct map_entry entry = next_entry(map, &offset);
        struct range pages = pages_of(&entry, low_end);
        struct range block = {align(pages.start, size), 0};
        for (; block.start < pages.end && size <= pages.end - block.start; block.start += size) {
            block.end = block.start + size;
            if (is_clear_of(modules, block))
                return block;
        }
    }
    refuse("there is too little memory for its kernel: no block of %x bytes; raise memory=", size);
}

static void add_move(struct moves *moves, uint32_t start, uint32_t end)
{
    if (start >= end)
        return;
    if (moves->count == MAX_MOVES)
        refuse("the memory map has more than %u pieces of memory", MAX_MOVES);
    if (end - start > HIGHEST - moves->next)
        refuse("there is no room to move memory to, at %x; raise memory=", moves->next);
    moves->list[moves->count].from = (struct range){start, end};
    moves->list[moves->count++].to = moves->next;
    moves->next += end - start;
}

/* Plan to move all pages but those of the block. */
static void add_moves(struct moves *moves, const struct memory_map *map, uint32_t low_end,
                      struct range block)
{
    for (uint32_t offset = 0; offset < map->size;) {
        struct map_entry entry = next_entry(map, &offset);
        struct range pages = pages_of(&entry, low_end);
        int holds_block = pages.start <= block.start && block.start < pages.end;
        add_move(moves, pages.start, holds_block ? block.start : pages.end);
        if (holds_block)
            add_move(moves, block.end, pages.end);
    }
}

static void move_all(const struct moves *moves)
{
    for (uint32_t i = 0; i < moves->count; i++) {
        uint32_t from = moves->list[i].from.start, to = moves->list[i].to;
        while (from < moves->list[i].from.end) {
            uint32_t pages = (moves->list[i].from.end - from) / PAGE_SIZE;
            if (pages > MOST_PAGES)
                pages = MOST_PAGES;
            move_pages(from, to, pages);
            from += pages * PAGE_SIZE;
            to += pages * PAGE_SIZE;
        }
    }
}

static struct range place_of(const struct moves *moves, struct range file)
{
    for (uint32_t i = 0; i < moves->count; i++) {
        struct range from = moves->list[i].from;
        uint32_t by = moves->list[i].to - from.start;
        if (from.start <= file.start && file.end <= from.end)
            return (struct range){file.start + by, file.end + by};
    }
    if (file.end)
        refuse("a module lies where the memory map has no memory, at %x", file.start);
    return file;
}

static void append(struct memory_map *map, uint64_t start, uint64_t end, uint32_t kind)
{
    struct map_entry entry = {sizeof entry - sizeof entry.size, start, end - start, kind};
    if (start >= end)
        return;
    if (map->capacity - map->size < sizeof entry)
        refuse("the memory map gets longer than %u bytes", map->capacity);
    memcpy(map->entries + map->size, &entry, sizeof entry);
    map->size += sizeof entry;
}

/* Write the map of what is where afterwards. */
static void rewrite(struct memory_map *map, uint32_t low_end, struct range block,
                    struct range moved)
{
    static uint8_t entries[MAX_MAP_SIZE];
    struct memory_map old = {entries, map->size, sizeof entries};
    memcpy(entries, map->entries, map->size);
    map->size = 0;
    for (uint32_t offset = 0; offset < old.size;) {
        struct map_entry entry = next_entry(&old, &offset);
        uint64_t end = entry.start + entry.length;
        if (entry.kind == USABLE && is_low(&entry) && end > low_end)
            end = low_end;
        append(map, entry.start, end, entry.kind);
    }
    append(map, block.start, block.end, USABLE);
    append(map, moved.start, moved.end, USABLE);
}

void make_room(struct block wanted, uint32_t low_end, struct memory_map *map,
               struct modules *modules)
{
    uint32_t top = find_top(map);
    if (top >= wanted.enough) {
        report("%x bytes of memory are enough, no room is made", top);
        return;
    }
    if (!is_on_xen()) {
        report("no Xen here, so no room is made");
        return;
    }
    low_end = align(low_end, LARGE_PAGE);
    struct range block = find_block(map, wanted.size, low_end, modules);
    uint32_t start = align(top, LARGE_PAGE);
    struct moves moves = {.next = start};
    add_moves(&moves, map, low_end, block);
    move_all(&moves);
    modules->shim = place_of(&moves, modules->shim);
    modules->params = place_of(&moves, modules->params);
    modules->kernel = place_of(&moves, modules->kernel);
    modules->ramdisk = place_of(&moves, modules->ramdisk);
    rewrite(map, low_end, block, (struct range){start, moves.next});
    report("room: a block of %x bytes at %x, %x bytes moved to %x", wanted.size, block.start,
           moves.next - start, start);
}
