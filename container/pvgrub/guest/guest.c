/*
 * A module for GRUB: what a guest's config asks of PV GRUB.
 *
 * convert writes it into the block below, in the finished image: strings, each ended by a zero
 * byte. Paths and disks become variables, for grub.cfg. The words for the guest's kernel are added
 * to each command line that GRUB has made, whichever command and menu made it: GRUB lets verifiers
 * see it in the very buffer that the kernel gets, so nothing has to be quoted on the way.
 */
#include "append.h"
#include "grub.h"

#define USED __attribute__((used))

/*
 * shimtool/payload/pvgrub.py knows mark, size and order. Neither static nor const: the compiler
 * must not take the block for what it is here.
 */
struct {
    char mark[16];
    char text[8176];
} block = {"shimtool-pvgrub", ""};

static const char *const variables[] = {
    "asked_words", "asked_kernel", "asked_ramdisk", "asked_disks",
};

static const char *words;

static int pass_file(void *file, int type, void **context, int *flags)
{
    (void)file, (void)type, (void)context;
    *flags = FLAG_SKIP;
    return 0;
}

static int add_words(char *text, int kind)
{
    if (kind == KERNEL_CMDLINE)
        append_words(text, words);
    return 0;
}

static struct verifier verifier = {
    .name = "shimtool",
    .init = pass_file,
    .verify_string = add_words,
};

static const char *next(const char *text)
{
    while (*text)
        text++;
    return text + 1;
}

void grub_mod_init(void *module);
void grub_mod_fini(void);

USED void grub_mod_init(void *module)
{
    const char *text = block.text;
    unsigned int i;

    (void)module;
    words = text;
    for (i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
        grub_env_set(variables[i], text);
        text = next(text);
    }
    grub_list_push(&grub_file_verifiers, &verifier);
}

USED void grub_mod_fini(void)
{
    grub_list_remove(&verifier);
}

/* GRUB loads modules of free software only; this one may be taken under MIT or the GPL. */
USED __attribute__((section(".module_license"))) static const char license[] = "LICENSE=GPLv3+";
USED __attribute__((section(".modname"))) static const char name[] = "guest";
