"""Guests of libvirt: domain XML (virsh dumpxml) read and edited, each byte else as it was.

bytes --is_xml--> bool      bytes --parse--> Domain --guest()--> Guest
Domain + Plan --convert--> the bytes of NAME.xml
"""

from shimtool.configs.libvirt.convert import convert, is_ours
from shimtool.configs.libvirt.domain import Domain, is_xml, parse
from shimtool.configs.libvirt.names import outputs_named

__all__ = ["Domain", "convert", "is_ours", "is_xml", "outputs_named", "parse"]
