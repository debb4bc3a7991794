"""The words in which messages speak of a config: those of the syntax that it is written in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the keys of a config and the tools for its guest are called.

    Keys are always xl's; `elements` are the names of those that are not written KEY=VALUE.
    `console` is the command that shows a guest's console; `advises_pvh` whether --mode pvh can
    help where HVM mode cannot.
    """

    console: str
    advises_pvh: bool
    elements: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def name(self, key: str) -> str:
        """Return what a key is called: `memory`, <memory>."""
        return self.elements.get(key, key)

    def written(self, key: str) -> str:
        """Return a key as it begins where it is set: `memory=`, <memory>."""
        return self.elements.get(key, f"{key}=")

    def or_pvh(self, remedy: str, advice: str = ", or use --mode pvh") -> str:
        """Return a remedy with `advice` to use PVH mode behind it, where that can help."""
        return remedy + advice if self.advises_pvh else remedy


XL = Vocabulary(console="xl console", advises_pvh=True)
