/* Let `xl create -n` read configs on a machine without Xen: preloaded, it stands for the calls with
 * which xl asks the hypervisor and xenstore before it looks at a config.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char handle[4096];

void *xc_interface_open(void *logger, void *dombuild, unsigned flags) { return handle; }
int xc_interface_close(void *xch) { return 0; }
void *xenforeignmemory_open(void *logger, unsigned flags) { return handle; }
void *xs_open(unsigned long flags) { return handle; }
void xs_close(void *xsh) {}

int xc_version(void *xch, int command, void *buffer) { return command ? -1 : 4 << 16 | 17; }
int xc_physinfo(void *xch, void *info) { return 0; }
int xc_get_max_cpus(void *xch) { return 8; }
int xc_get_online_cpus(void *xch) { return 8; }
int xc_get_max_nodes(void *xch) { return 1; }
long xc_sharing_freed_pages(void *xch) { return 0; }
long xc_sharing_used_frames(void *xch) { return 0; }
void *xc_cpupool_getinfo(void *xch, unsigned pool) { return NULL; }

/* xl reads its own settings from /etc/xen, which is not to be touched. */
FILE *fopen(const char *path, const char *mode)
{
    FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen");
    const char *settings = getenv("XL_SETTINGS");

    return real(settings && !strcmp(path, "/etc/xen/xl.conf") ? settings : path, mode);
}
