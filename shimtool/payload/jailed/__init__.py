"""What is hostile, read in a child in a jail (system/jail.py): tasks and answers of every reader.

    reader (here)  --a task-->  tasks, and what they read with (in the jail)
                   <--answers-- a small document, and the bytes of a file

Who reads what is said elsewhere: guest_disk/ a guest's disks, untrusted.py files of dom0's.
"""
