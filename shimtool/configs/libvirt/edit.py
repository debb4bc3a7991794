"""Edits of XML by byte spans: every byte that is not replaced stays.

What is put in is ASCII, other characters as references, so that the file's encoding holds.
"""

import re
from collections.abc import Iterable
from dataclasses import field

from shimtool.configs.libvirt.xml import Element
from shimtool.deferred import dataclass, regex
from shimtool.errors import fault

_CONTENT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_VALUE = {**_CONTENT, "'": "&#39;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;"}
_NOT_XML = regex("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BLANK = b" \t"


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` become `new`."""

    start: int
    end: int
    new: bytes


@dataclass(slots=True)
class New:
    """An element to be put in; `name` with its prefix."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list["New"] = field(default_factory=list)

    def render(self, indent: bytes) -> bytes:
        """Return it on lines of its own, the first one not indented."""
        pairs = self.attributes.items()
        words = b"".join(b" %s='%s'" % (name.encode(), quoted(value)) for name, value in pairs)
        tag = self.name.encode()
        if self.children:
            inner = b"".join(
                b"\n%s  %s" % (indent, each.render(indent + b"  ")) for each in self.children
            )
            return b"<%s%s>%s\n%s</%s>" % (tag, words, inner, indent, tag)
        if self.text:
            return b"<%s%s>%s</%s>" % (tag, words, content(self.text), tag)
        return b"<%s%s/>" % (tag, words)


def apply(data: bytes, spans: Iterable[Span]) -> bytes:
    """Return the new bytes. Spans at one place come in the order given; none may overlap."""
    kept, position = [], 0
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        assert span.start >= position  # noqa: S101 - an edit that overlaps another is our own fault
        kept += [data[position : span.start], span.new]
        position = span.end
    return b"".join([*kept, data[position:]])


def content(text: str) -> bytes:
    """Return text as an element's content."""
    return _ascii(text, _CONTENT)


def quoted(text: str) -> bytes:
    """Return text as an attribute's value, for quotes of either kind."""
    return _ascii(text, _VALUE)


def _ascii(text: str, escapes: dict[str, str]) -> bytes:
    if bad := _NOT_XML.search(text):
        raise fault("XML cannot hold this character", seen=ascii(bad[0]))
    text = text.translate(str.maketrans(dict[str, str | int | None](escapes)))
    return text.encode("ascii", "xmlcharrefreplace")


def removed(data: bytes, element: Element) -> Span:
    """Cut an element, with its whole lines where nothing else is on them."""
    start, end = element.start, element.end
    before, after = data.rfind(b"\n", 0, start) + 1, data.find(b"\n", end)
    if after >= 0 and not data[before:start].strip(_BLANK) and not data[end:after].strip(b" \t\r"):
        return Span(before, after + 1, b"")
    return Span(start, end, b"")


def with_text(data: bytes, element: Element, text: str) -> Span:
    """Replace an element's whole content."""
    start, end = element.inside
    if start != element.end:  # no <a/>
        return Span(start, end, content(text))
    name = _tag_name(data, element)
    return Span(start - 2, start, b">%s</%s>" % (content(text), name))


def without_attribute(data: bytes, element: Element, name: str) -> Span:
    """Cut an attribute and the blanks before it."""
    found = _attribute(data, element, name)
    assert found  # noqa: S101 - the caller has seen it
    return Span(found.start(), found.end(), b"")


def with_attribute(data: bytes, element: Element, name: str, value: str) -> Span:
    """Set an attribute, where it stands or as the first one."""
    if found := _attribute(data, element, name):
        return Span(found.start("value") + 1, found.end("value") - 1, quoted(value))
    place = element.start + 1 + len(_tag_name(data, element))
    return Span(place, place, b" %s='%s'" % (name.encode(), quoted(value)))


_ATTRIBUTE = regex(rb"""\s+(?P<name>[^\s=]++)\s*=\s*(?P<value>"[^"]*+"|'[^']*+')""")


def _attribute(data: bytes, element: Element, name: str) -> re.Match[bytes] | None:
    position = element.start + 1 + len(_tag_name(data, element))
    while found := _ATTRIBUTE.match(data, position, element.inside[0]):
        if found["name"] == name.encode():
            return found
        position = found.end()
    return None


def appended(data: bytes, parent: Element, children: Iterable[New]) -> list[Span]:
    """Put elements behind a parent's last child, indented as its others are."""
    new = list(children)
    if not new:
        return []
    own = _indent(data, parent.start)
    indent = _indent(data, parent.children[0].start) if parent.children else None
    if indent is None or own is None or len(indent) <= len(own):
        indent = (own or b"") + b"  "
    lines = b"".join(indent + each.render(indent) + b"\n" for each in new)
    start, end = parent.inside
    if start == parent.end:  # <a/>
        inner = b">\n%s%s</%s>" % (lines, own or b"", _tag_name(data, parent))
        return [Span(start - 2, start, inner)]
    line = data.rfind(b"\n", 0, end) + 1
    if line > start and not data[line:end].strip(_BLANK):
        return [Span(line, line, lines)]
    return [Span(end, end, b"\n" + lines + (own or b""))]


def _indent(data: bytes, start: int) -> bytes | None:
    """Return the blanks before a place; None when there is more before it on its line."""
    before = data[data.rfind(b"\n", 0, start) + 1 : start]
    return None if before.strip(_BLANK) else before


def _tag_name(data: bytes, element: Element) -> bytes:
    found = re.compile(rb"<([^\s/>]+)").match(data, element.start)
    assert found  # noqa: S101 - expat has read this very tag
    return found[1]
