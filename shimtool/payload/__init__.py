"""What the shim will start: kernels and ramdisks found, hashed and understood.

model.Guest --gather--> model.Payload

What root alone can write to is read in this process; what guests or tenants can, in a jail:
guest_disk/ a guest's own disk, untrusted.py their files in dom0, both by jailed/.
"""
