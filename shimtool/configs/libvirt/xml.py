"""XML as libvirt writes it, read with the byte span of every element, so that edits stay small.

Python's own expat: no DTD, hence no entities of a file's own, nothing fetched, nothing expanded.
Elements and attributes in a namespace are called "URI name", the others by their plain name.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from xml.parsers import expat

from shimtool.deferred import dataclass, regex
from shimtool.errors import ShimtoolError, fault

LIMIT = 1 << 20  # bytes
_MOST_ELEMENTS = 20_000
_DEEPEST = 100
# libvirt reads UTF-8 whatever is declared (seen: 9.0.0).
_ENCODINGS = ("utf-8", "us-ascii")
_TAG = regex(rb"""<(?:[^"'<>]++|"[^"]*+"|'[^']*+')*+>""")


@dataclass(frozen=True, slots=True)
class Element:
    """An element; spans are byte offsets: `start` of <, `inside` its content, `end` after it.

    `text` is its own, without that of its children.
    """

    name: str
    line: int
    attributes: Mapping[str, str]
    children: tuple["Element", ...]
    text: str
    start: int
    inside: tuple[int, int]
    end: int

    def all(self, name: str) -> Iterator["Element"]:
        """Yield the children of this name."""
        return (child for child in self.children if child.name == name)

    def find(self, path: str) -> "Element | None":
        """Return the first element at a path of child names (a/b, in any a), None without one."""
        found = [self]
        for name in path.split("/"):
            found = [child for each in found for child in each.all(name)]
        return found[0] if found else None


def parse_xml(data: bytes, path: Path) -> Element:
    """Return the root element. Raises ShimtoolError, by line, for whatever is no sound XML."""
    if len(data) > LIMIT:
        raise fault(f"larger than {LIMIT >> 20} MiB, too large for a domain's XML", path)
    if b"\0" in data:
        raise fault("holds zero bytes: no text, or UTF-16", path, remedy=_AS_UTF8)
    builder = _Builder(data, path)
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        why = expat.errors.messages[error.code]
        raise fault(
            f"not well-formed XML: {why}",
            path,
            error.lineno,
            remedy=_ANEW,
        ) from None
    except (ValueError, LookupError) as error:  # an encoding that Python cannot give expat
        raise fault(f"cannot be decoded: {error}", path, 1, remedy=_AS_UTF8) from None
    return builder.root


def root_name(data: bytes) -> str | None:
    """Return the name of the root element, or of the DTD's; None for what is no XML. Never raises.

    Nothing behind the root's start tag is looked at.
    """
    names: list[str] = []

    def stop(name: str, *_rest: object) -> None:
        names.append(name)
        raise _FoundError

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = stop
    parser.StartDoctypeDeclHandler = stop
    with suppress(expat.ExpatError, ValueError, LookupError, _FoundError):
        parser.Parse(data[:LIMIT], False)
    return names[0] if names else None


_ANEW = "write it anew: virsh dumpxml --inactive GUEST > FILE"
_AS_UTF8 = "convert it to UTF-8, as virsh dumpxml writes it"


class _FoundError(Exception):
    """Stops a parser that has seen enough."""


@dataclass(slots=True)
class _Open:
    """An element whose end was not seen yet."""

    name: str
    line: int
    attributes: dict[str, str]
    start: int
    inside: int
    empty: bool
    children: list[Element] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


class _Builder:
    """Makes elements of expat's events."""

    def __init__(self, data: bytes, path: Path) -> None:
        self.data, self.path = data, path
        self.stack: list[_Open] = []
        self.count = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.root: Element

    def _refuse(self, message: str, remedy: str | None = None) -> ShimtoolError:
        return fault(message, self.path, self.parser.CurrentLineNumber, remedy=remedy)

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            message = f"declared to be {encoding[:40]}, while libvirt reads UTF-8"
            raise self._refuse(message, _AS_UTF8)

    def _doctype(self, name: str, *_declared: object) -> None:
        if name != "domain":
            raise self._refuse(f"not a libvirt domain, but <!DOCTYPE {name[:60]}>", _ANEW)
        raise self._refuse("it has a DTD (<!DOCTYPE), which libvirt never writes", "remove it")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > _MOST_ELEMENTS or len(self.stack) >= _DEEPEST:
            limits = f"{_MOST_ELEMENTS} elements, {_DEEPEST} deep"
            raise self._refuse(f"more XML than a domain has: {limits} at most")
        start = self.parser.CurrentByteIndex
        tag = _TAG.match(self.data, start)
        assert tag  # noqa: S101 - expat has read this very tag
        line, empty = self.parser.CurrentLineNumber, tag[0].endswith(b"/>")
        self.stack.append(_Open(name, line, attributes, start, tag.end(), empty))

    def _characters(self, text: str) -> None:
        self.stack[-1].text.append(text)

    def _end(self, _name: str) -> None:
        done = self.stack.pop()
        # Of <a/> expat gives the start tag's place here, of <a></a> that of the end tag.
        close = done.inside if done.empty else self.parser.CurrentByteIndex
        end = close if done.empty else self.data.index(b">", close) + 1
        element = Element(
            name=done.name,
            line=done.line,
            attributes=MappingProxyType(done.attributes),
            children=tuple(done.children),
            text="".join(done.text),
            start=done.start,
            inside=(done.inside, close),
            end=end,
        )
        if self.stack:
            self.stack[-1].children.append(element)
        else:
            self.root = element
