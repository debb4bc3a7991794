"""Reading a guest's own disk: no mount, no privileges, nothing in it trusted.

    device --format--> disk --partitions, LVM--> volume --file system--> tree --boot menu--> files

The formats are dissect's (pure Python, imported when first needed); which file of the tree boots
is decided here. All that a disk says is data, and hostile: it is read in a child in a jail
(payload/jailed), whose answers are checked like any other hostile input.

    extract, reader (here)  --a task-->  tasks, inside, find_boot_entry, volumes ... (in the jail)
                            <--answers-- of payload/jailed: a small document, the bytes of a file
"""
