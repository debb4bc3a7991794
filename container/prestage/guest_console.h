/* The guest's own console, which xenconsoled shows and keeps: `xl console`. */
#pragma once

/* Write a byte to it, if this runs on a Xen that gave the guest a console. */
void write_guest_console(char byte);
