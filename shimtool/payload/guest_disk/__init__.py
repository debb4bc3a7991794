"""Reading a guest's own disk: no mount, no privileges, nothing in it trusted.

    device --format--> disk --partitions, LVM--> volume --file system--> tree --boot menu--> files

The formats are dissect's (pure Python, imported when first needed); what they may cost, and which
file of the tree boots, is decided here. All that a disk says is data, and hostile.
"""
