"""A guest's config in any of the syntaxes, which are recognized by content; closed cases."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from shimtool.configs.xl.edit import edit, is_ours, unedited
from shimtool.configs.xl.guest import read_guest
from shimtool.configs.xl.names import outputs_named
from shimtool.configs.xl.syntax import Document, read_config
from shimtool.configs.xl.syntax import parse as parse_xl
from shimtool.deferred import dataclass
from shimtool.errors import ShimtoolError
from shimtool.model import XL, ConfigString, Guest, Plan, Syntax, Vocabulary
from shimtool.model.outputs import OutputKind

if TYPE_CHECKING:
    from shimtool.configs.libvirt.config import LibvirtConfig

_HEADING = (
    "Added by shimtool: runs this PV guest, unchanged, inside the PV shim.",
    "Lines marked #shimtool# above are the ones it replaced.",
)


@dataclass(frozen=True, slots=True)
class XlConfig:
    """A config that xl reads, or one of xm's or xend's in xl's syntax; `data` is the file."""

    document: Document
    data: bytes
    syntax: Syntax = Syntax.XL
    words: Vocabulary = XL

    @property
    def path(self) -> Path:
        """Where it was read from."""
        return self.document.path

    @property
    def ours(self) -> bool:
        """Whether shimtool wrote it."""
        return is_ours(self.document)

    @property
    def name(self) -> ConfigString | None:
        """The guest's name as it stands there, unchecked."""
        return self.document.string("name")

    def guest(self) -> Guest:
        """Return the guest it describes; ShimtoolError with all that is wrong in it."""
        return replace(read_guest(self.document, self.words), syntax=self.syntax)

    def before(self) -> Guest | None:
        """Return the guest that it described before it was edited; None if that is not clear."""
        try:
            return read_guest(parse_xl(unedited(self.data), self.path))
        except ShimtoolError:
            return None

    def outputs_named(self) -> Iterator[tuple[OutputKind, str]]:
        """Yield (what, dom0 path) of each file of ours it names; ShimtoolError when not ours."""
        return outputs_named(self.document)

    def converted(self, plan: Plan) -> bytes:
        """Return the new config."""
        return edit(self.document, plan.edits, _HEADING)


Config: TypeAlias = "XlConfig | LibvirtConfig"


def open_config(path: Path) -> Config:
    """Read and parse a config file; ShimtoolError when it is no plain, readable, small file."""
    return parse(read_config(path), path)


def parse(data: bytes, path: Path) -> Config:
    """Parse the content of a config; `path` is what errors name.

    Raises ShimtoolError with all syntax errors, or one that names another format. Lines of an xm
    config keep their numbers.
    """
    if _may_be_xml(data):
        from shimtool.configs.libvirt import config, domain  # noqa: PLC0415 - takes 10 ms to load

        if domain.is_xml(data):
            return config.LibvirtConfig(domain.parse(data, path))
    try:
        return XlConfig(parse_xl(data, path), data)
    except ShimtoolError:
        from shimtool.configs import sxp  # noqa: PLC0415 - takes 5 ms to load, and few need it
        from shimtool.configs.foreign import foreign_format, no_config  # noqa: PLC0415 - as above

        if sxp.is_domain(data):
            document = parse_xl(sxp.translate(data, path), path)
            return XlConfig(document, data, Syntax.SXP, sxp.VOCABULARY)
        if fault := foreign_format(data, path):
            raise ShimtoolError(fault) from None
        from shimtool.configs import xm  # noqa: PLC0415 - takes 40 ms to load, and few need it

        if not xm.is_xm(data):
            if fault := no_config(data, path):
                raise ShimtoolError(fault) from None
            raise
        return XlConfig(parse_xl(xm.translate(data, path), path), data, Syntax.XM)


def _may_be_xml(data: bytes) -> bool:
    """Whether it begins as XML must, in whatever encoding: that is worth a closer look."""
    return data.lstrip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe").startswith(b"<")
