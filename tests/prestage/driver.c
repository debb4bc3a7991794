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
#include "madt.h"
#include "memory.h"
#include "multiboot.h"
#include "params.h"
#include "prestage.h"
#include "xen.h"

enum { MAX_REGIONS = 64, MAX_TEXT = 1 << 16, MAX_RESULTS = 32 };
enum status { DONE, REFUSED, OUTSIDE };
enum job { PARAMS, TRIM_MADT, KEEP_PROCESSORS, LOAD_SHIM, PREPARE };

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
        answer(load_shim(file(0)));
        break;
    case PREPARE:
        answer_handover(prepare(argument, regions[0].address));
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
