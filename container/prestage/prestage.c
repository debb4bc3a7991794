/*
 * The pre-stage: runs between the boot loader (mboot.c32) and Xen's PV shim.
 *
 * The loader takes it for the kernel, with four modules: the shim, a parameter file (params.h),
 * the guest's kernel and, if there is one, its ramdisk. The loader alters the lines it passes on
 * and unzips modules that look like gzip. The pre-stage therefore takes the lines from the
 * parameter file, strips the guards that hid gzip from the loader, and starts the shim as a loader
 * would that alters nothing. On the way it mends what old hosts do wrong: too many processors in
 * ACPI's tables (acpi.h) and events that are lost (xen.h). For a kernel that would not start in so
 * little memory it makes room (room.h).
 */
#include "prestage.h"

#include "acpi.h"
#include "console.h"
#include "elf.h"
#include "memory.h"
#include "modules.h"
#include "multiboot.h"
#include "params.h"
#include "room.h"
#include "xen.h"

/* What the shim gets. It copies all of this and the lines before it uses any memory. */
static struct multiboot_info shim_info;
static struct multiboot_module shim_modules[2]; /* kernel, ramdisk */
static uint8_t map_entries[MAX_MAP_SIZE];
static struct memory_map memory_map; /* of these entries */

/* The shim keeps the first word of each line only for loaders that call themselves GRUB 2. */
static const char loader_name[] = "shimtool's pre-stage, which passes lines as GRUB 2 does";

/* Copy what the shim needs of the loader's own information: that may lie where the shim goes. */
static void take_info(const struct multiboot_info *info)
{
    shim_info = (struct multiboot_info){
        .flags = info->flags & (INFO_MEMORY | INFO_MEMORY_MAP),
        .memory_lower = info->memory_lower,
        .memory_upper = info->memory_upper,
    };
    memory_map = (struct memory_map){map_entries, 0, sizeof map_entries};
    if (!(info->flags & INFO_MEMORY_MAP))
        return;
    if (info->map_size > MAX_MAP_SIZE)
        refuse("the memory map has %u bytes, more than %u", info->map_size, MAX_MAP_SIZE);
    memcpy(map_entries, at(info->map, info->map_size), info->map_size);
    memory_map.size = info->map_size;
}

/* Take the guards off; what is left must be as long as when the ISO was made. */
static void check_sizes(struct modules *modules, const struct params *params)
{
    without_guard("the shim has %u bytes, not %u + %u", modules->shim, params->shim);
    modules->kernel = without_guard("the kernel has %u bytes, not %u + %u", modules->kernel,
                                    params->kernel);
    modules->ramdisk = without_guard("the ramdisk has %u bytes, not %u + %u", modules->ramdisk,
                                     params->ramdisk);
}

static void give_module(struct range file, uint32_t line)
{
    uint32_t number = shim_info.module_count++;
    shim_modules[number] = (struct multiboot_module){file.start, file.end, line, 0};
    report("module %u: %u bytes at %x", number, file.end - file.start, file.start);
}

static void give_all(const struct modules *modules, const struct params *params)
{
    shim_info.flags |= INFO_COMMAND_LINE | INFO_MODULES | INFO_LOADER_NAME;
    shim_info.command_line = params->shim_line;
    shim_info.loader_name = address_of(loader_name);
    shim_info.map = address_of(map_entries);
    shim_info.map_size = memory_map.size;
    shim_info.modules = address_of(shim_modules);
    give_module(modules->kernel, params->guest_line);
    if (params->ramdisk.size)
        give_module(modules->ramdisk, 0);
}

struct handover prepare(uint32_t magic, uint32_t info_address)
{
    const struct multiboot_info *info = at(info_address, sizeof *info);
    if (magic != MULTIBOOT_LOADER_MAGIC)
        refuse("it was not started by a multiboot loader, but with %x", magic);
    take_info(info);
    struct modules modules = read_modules(info);
    struct params params = read_params(modules.params);
    verbose = params.verbose;
    report("parameter file read: %u vCPUs", params.vcpus);
    check_sizes(&modules, &params);
    uint32_t vcpus = keep_processors(params.vcpus);
    if (params.event_vector)
        set_event_vectors(params.event_vector, vcpus);
    struct shim shim = load_shim(modules.shim);
    if (params.block.size) {
        make_room(params.block, shim.end, &memory_map, &modules);
        params = read_params(modules.params); /* its lines lie elsewhere now */
    }
    give_all(&modules, &params);
    return (struct handover){shim.entry, address_of(&shim_info)};
}

void prestage(uint32_t magic, uint32_t info)
{
    struct handover handover = prepare(magic, info);
    report("entering the shim at %x", handover.entry);
    enter_shim(handover.entry, handover.info);
}
