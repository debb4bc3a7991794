/*
 * The few parts of GRUB 2.06 that this module needs, declared anew. (Debian ships GRUB's modules
 * without headers.) They are the same in 2.06's images for Xen of both widths.
 */
#ifndef GRUB_H
#define GRUB_H

enum { FLAG_SKIP = 1 };     /* what a verifier answers for a file that it does not look at */
enum { KERNEL_CMDLINE = 0 }; /* a kind of string: a kernel's command line is complete */

/* One of those who are shown each file that is opened and each command line that is made. */
struct verifier {
    struct verifier *next;
    struct verifier **prev;
    const char *name;
    int (*init)(void *file, int type, void **context, int *flags);
    int (*write)(void *context, void *buffer, unsigned long size);
    int (*fini)(void *context);
    void (*close)(void *context);
    int (*verify_string)(char *text, int kind);
};

extern struct verifier *grub_file_verifiers;
void grub_list_push(struct verifier **head, struct verifier *item);
void grub_list_remove(struct verifier *item);
int grub_env_set(const char *name, const char *value);

#endif
