"""Guests of libvirt: domain XML (virsh dumpxml) read and edited, each byte else as it was.

bytes --domain.is_xml--> bool      bytes --domain.parse--> Domain --guest()--> Guest
Domain + Plan --convert.convert--> the bytes of NAME.xml

Nothing is imported here: most hosts have no such guest.
"""
