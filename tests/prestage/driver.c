/*
 * The pre-stage's pure parts, run natively and with sanitizers on memory that a test made up.
 *
 * A request on standard input, in 32-bit numbers: job, argument, count of regions, then of each its
 * address, size and bytes. The answer on standard output: what became of it (enum status), the
 * length of the text written to the console, the text, count of result numbers, the numbers, and
 * after success the bytes of all regions. Each region is an allocation of its own, so that the
 * sanitizer sees every access beyond it.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "acpi.h"
#include "console.h"
#include "elf.h"
#include "layout.h"
#include "madt.h"
#include "memory.h"
#include "multiboot.h"
#include "params.h"
#include "prestage.h"
#include "room.h"
#include "xen.h"

/* For the job ROOM: where the shim that was loaded ends, and with how much memory none is moved. */
enum { LOW_END = 0xa00000, ENOUGH = 0x60000000 };

enum { MAX_REGIONS = 64, MAX_TEXT = 1 << 16, MAX_RESULTS = 128 };
enum status { DONE, REFUSED, OUTSIDE };
enum job { PARAMS, TRIM_MADT, KEEP_PROCESSORS, LOAD_SHIM, PREPARE, ROOM };

struct region {
    uint32_t address, size;
    uint8_t *bytes;
};

static struct region regions[MAX_REGIONS];
static uint32_t region_count;
static char text[MAX_TEXT];
static uint32_t text_length;
static uint32_t results[MAX_RESULTS];
static uint32_t result_count;
static jmp_buf before_job;

/* What the machine does for the pre-stage. */

void *at(uint32_t address, uint32_t size)
{
    static uint8_t nothing;
    for (uint32_t i = 0; i < region_count; i++) {
        struct region *region = &regions[i];
        if (address >= region->address && address - region->address <= region->size &&
            size <= region->size - (address - region->address) && size)
            return region->bytes + (address - region->address);
    }
    if (!size)
        return &nothing;
    fprintf(stderr, "%#x bytes at %#x are in no region\n", size, address);
    longjmp(before_job, OUTSIDE);
}

void write_byte(char byte)
{
    if (text_length < MAX_TEXT)
        text[text_length++] = byte;
}

void halt(void)
{
    longjmp(before_job, REFUSED);
}

static void answer(uint32_t number)
{
    results[result_count++] = number;
}

void set_event_vectors(uint32_t vector, uint32_t vcpus)
{
    answer(vector);
    answer(vcpus);
}

int is_on_xen(void)
{
    return 1;
}

/* Regions go along whole; there must be none yet where they go. */
void move_pages(uint32_t from, uint32_t to, uint32_t count)
{
    uint32_t size = count * PAGE_SIZE;
    answer(from);
    answer(to);
    answer(count);
    for (uint32_t i = 0; i < region_count; i++) {
        if (regions[i].address - to < size)
            longjmp(before_job, OUTSIDE);
        if (regions[i].address - from < size)
            regions[i].address += to - from;
    }
}

void enter_shim(uint32_t entry, uint32_t info)
{
    (void)entry, (void)info;
    abort();
}

/* The jobs. */

static struct range file(uint32_t number)
{
    return (struct range){regions[number].address, regions[number].address + regions[number].size};
}

static void answer_params(struct params params)
{
    answer(params.verbose);
    answer(params.vcpus);
    answer(params.event_vector);
    answer(params.shim.size);
    answer(params.kernel.guard);
    answer(params.kernel.size);
    answer(params.ramdisk.guard);
    answer(params.ramdisk.size);
    answer(params.block.size);
    answer(params.block.enough);
    answer(params.shim_line);
    answer(params.guest_line);
}

static void answer_handover(struct handover handover)
{
    const struct multiboot_info *info = (const void *)(uintptr_t)handover.info;
    const struct multiboot_module *modules = (const void *)(uintptr_t)info->modules;
    answer(handover.entry);
    answer(info->flags);
    answer(info->memory_lower);
    answer(info->memory_upper);
    answer(info->command_line);
    answer(info->map_size);
    answer(info->module_count);
    for (uint32_t i = 0; i < info->module_count; i++) {
        answer(modules[i].start);
        answer(modules[i].end);
        answer(modules[i].line);
    }
}

static void answer_shim(struct shim shim)
{
    answer(shim.entry);
    answer(shim.end);
}

static void answer_file(struct range file)
{
    answer(file.start);
    answer(file.end);
}

/* The map is that of the first region, the files those of the others, without a ramdisk if none. */
static void answer_room(uint32_t size)
{
    static uint8_t entries[MAX_MAP_SIZE];
    struct memory_map map = {entries, regions[0].size, sizeof entries};
    struct modules modules = {file(1), file(2), file(3), {0, 0}};
    if (region_count > 4)
        modules.ramdisk = file(4);
    memcpy(entries, regions[0].bytes, regions[0].size);
    make_room((struct block){size, ENOUGH}, LOW_END, &map, &modules);
    answer_file(modules.shim);
    answer_file(modules.params);
    answer_file(modules.kernel);
    answer_file(modules.ramdisk);
    for (uint32_t at = 0; at < map.size; at += sizeof(uint32_t))
        answer(*(uint32_t *)(entries + at));
    answer(map.size);
}

static void run(enum job job, uint32_t argument)
{
    switch (job) {
    case PARAMS:
        answer_params(read_params(file(0)));
        break;
    case TRIM_MADT:
        answer(trim_madt(regions[0].bytes, regions[0].size, argument));
        break;
    case KEEP_PROCESSORS:
        answer(keep_processors(argument));
        break;
    case LOAD_SHIM:
        answer_shim(load_shim(file(0)));
        break;
    case PREPARE:
        answer_handover(prepare(argument, regions[0].address));
        break;
    case ROOM:
        answer_room(argument);
        break;
    }
}

/* Requests and answers. */

static int read_bytes(void *to, uint32_t size)
{
    return !size || fread(to, size, 1, stdin) == 1;
}

static uint32_t read_number(void)
{
    uint32_t number;
    if (!read_bytes(&number, sizeof number))
        exit(0); /* the tests are through */
    return number;
}

static void write_number(uint32_t number)
{
    fwrite(&number, sizeof number, 1, stdout);
}

static void read_regions(void)
{
    region_count = read_number();
    for (uint32_t i = 0; i < region_count; i++) {
        regions[i].address = read_number();
        regions[i].size = read_number();
        regions[i].bytes = malloc(regions[i].size);
        if (!read_bytes(regions[i].bytes, regions[i].size))
            exit(1);
    }
}

static void write_answer(uint32_t status)
{
    write_number(status);
    write_number(text_length);
    fwrite(text, 1, text_length, stdout);
    write_number(result_count);
    fwrite(results, sizeof *results, result_count, stdout);
    for (uint32_t i = 0; i < region_count; i++) {
        if (status == DONE)
            fwrite(regions[i].bytes, 1, regions[i].size, stdout);
        free(regions[i].bytes);
    }
    fflush(stdout);
}

int main(void)
{
    for (;;) {
        enum job job = read_number();
        uint32_t argument = read_number();
        read_regions();
        text_length = result_count = verbose = 0;
        int status = setjmp(before_job);
        if (!status)
            run(job, argument);
        write_answer((uint32_t)status);
    }
}
