"""What the shim will start: kernels and ramdisks found, hashed and understood.

model.Guest --gather--> model.Payload
"""
