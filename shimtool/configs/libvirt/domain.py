"""A libvirt domain: its bytes and its elements."""

from dataclasses import field
from pathlib import Path

from shimtool.configs.libvirt.guest import read_guest
from shimtool.configs.libvirt.xml import Element, parse_xml, root_name
from shimtool.deferred import dataclass
from shimtool.errors import fault
from shimtool.model import ConfigString, Guest


@dataclass(frozen=True, slots=True)
class Domain:
    """A <domain> as read; `data` are the file's own bytes."""

    path: Path
    data: bytes
    root: Element = field(repr=False)

    @property
    def name(self) -> ConfigString | None:
        """The guest's name as it stands there, unchecked."""
        found = self.root.find("name")
        return ConfigString(found.text, found.line) if found else None

    def guest(self) -> Guest:
        """Return the guest it describes; ShimtoolError with all that is wrong in it, by line."""
        return read_guest(self.root, self.data, self.path)


def is_xml(data: bytes) -> bool:
    """Tell whether this is XML of any kind, which no other syntax of configs can be."""
    return root_name(data) is not None


def parse(data: bytes, path: Path) -> Domain:
    """Parse a domain's XML; `path` is what errors name. Raises ShimtoolError for bad XML.

    Nothing is expanded or fetched: a DTD, and with it every entity of the file's own, is refused.
    """
    root = parse_xml(data, path)
    if root.name != "domain":
        raise fault(
            f"not a libvirt domain, but <{root.name[:60]}>",
            path,
            root.line,
            remedy="write the domain's own XML: virsh dumpxml --inactive GUEST > FILE",
        )
    return Domain(path, data, root)
