"""Kernels and ramdisks of dom0: found, opened once, hashed, and read for what Xen needs to know.

dom0 path --paths.find--> Found --inputs.InputCache--> model.Kernel, model.Ramdisk
"""
