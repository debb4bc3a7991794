#include "append.h"

/* The blanks that libxl drops in front of pygrub's line. */
static int is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void append_words(char line[LINE_SIZE], const char *words)
{
    unsigned int end = 0;

    while (end < LINE_SIZE - 1 && line[end])
        end++;
    if (!end) {
        while (is_blank(*words))
            words++;
    } else if (*words && end < LINE_SIZE - 1) {
        line[end++] = ' ';
    }
    while (*words && end < LINE_SIZE - 1)
        line[end++] = *words++;
    line[end] = 0;
}
