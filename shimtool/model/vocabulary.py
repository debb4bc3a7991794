"""The words that messages about a config are written in: those of the config's own syntax."""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from shimtool.deferred import dataclass


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the keys of a config and the tools for its guest are called.

    Keys are always xl's; `elements` are the names of those that are not written KEY=VALUE.
    `toolstack` starts the guest and `console` is its command that shows the guest's console;
    `pvh_shims` is what it can do from Xen 4.10.1 on. `placing` are the settings that tie a guest
    to processors, `memory_unit` says what its memory is counted in, and `advises_pvh` whether
    --mode pvh can help where HVM mode cannot.
    """

    toolstack: str
    console: str
    pvh_shims: str
    placing: str
    memory_unit: str
    advises_pvh: bool
    elements: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def name(self, key: str) -> str:
        """Return what a key is called: `memory`, <memory>."""
        return self.elements.get(key, key)

    def written(self, key: str) -> str:
        """Return a key as it begins where it is set: `memory=`, <memory>."""
        return self.elements.get(key, f"{key}=")

    def given(self, key: str, value: int, unit: str = "") -> str:
        """Return a key with its value: `memory=512`, <memory> of 512 MiB."""
        if key not in self.elements:
            return f"{key}={value}"
        return f"{self.elements[key]} of {value} {unit}".rstrip()

    def or_pvh(self, remedy: str, why: str = "") -> str:
        """Return a remedy with the advice to use PVH mode behind it, where that can help."""
        advice = f", or, from Xen 4.10.1 on, use --mode pvh{why}"
        return remedy + advice if self.advises_pvh else remedy


XL = Vocabulary(
    toolstack="xl",
    console="xl console",
    pvh_shims="xl knows pvshim=",
    placing="cpus= and pool=",
    memory_unit="it counts MiB",
    advises_pvh=True,
)
