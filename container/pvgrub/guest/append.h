/* Adding to a kernel's command line. */
#ifndef APPEND_H
#define APPEND_H

/*
 * What a PV guest's start_info holds of its command line, with the zero byte (Xen's public/xen.h,
 * MAX_GUEST_CMDLINE); GRUB keeps the line in a buffer of that size.
 */
#define LINE_SIZE 1024

/*
 * Append a blank and `words` to `line`, as pygrub does: every byte as it is, but without the
 * blanks in front where the line has nothing else. What does not fit is cut off.
 */
void append_words(char line[LINE_SIZE], const char *words);

#endif
