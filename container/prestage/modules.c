#include "modules.h"

#include "console.h"
#include "layout.h"

enum { WITHOUT_RAMDISK = 3, WITH_RAMDISK = 4 };

/* That nothing but modules lies above the room for the shim is the loader's word for it. */
static void check_place(uint32_t number, struct range module)
{
    if (module.start >= module.end)
        refuse("module %u is empty", number);
    if (module.start % PAGE_SIZE)
        refuse("module %u does not begin on a page, but at %x", number, module.start);
    if (module.start < SHIM_ROOM_END)
        refuse("module %u lies in the memory kept for the shim, at %x", number, module.start);
}

static void check_places(const struct range *modules, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        check_place(i, modules[i]);
        for (uint32_t j = 0; j < i; j++)
            if (modules[i].start < modules[j].end && modules[j].start < modules[i].end)
                refuse("module %u lies over module %u, at %x", i, j, modules[i].start);
    }
}

struct modules read_modules(const struct multiboot_info *info)
{
    uint32_t count = info->flags & INFO_MODULES ? info->module_count : 0;
    struct multiboot_module listed[WITH_RAMDISK];
    struct range modules[WITH_RAMDISK] = {{0, 0}};
    if (count < WITHOUT_RAMDISK || count > WITH_RAMDISK)
        refuse("the boot loader gave %u modules instead of shim, parameters, kernel, ramdisk",
               count);
    memcpy(listed, at(info->modules, count * sizeof *listed), count * sizeof *listed);
    for (uint32_t i = 0; i < count; i++)
        modules[i] = (struct range){listed[i].start, listed[i].end};
    check_places(modules, count);
    return (struct modules){modules[0], modules[1], modules[2], modules[3]};
}

struct range without_guard(const char *refusal, struct range file, struct stored stored)
{
    uint32_t size = file.end - file.start;
    if (size < stored.guard || size - stored.guard != stored.size)
        refuse(refusal, size, stored.guard, stored.size);
    return (struct range){file.start + stored.guard, file.end};
}
