"""From a plan's settings to the new XML: the user's own file, with the fewest edits.

Our own domains have an element in <metadata>, which libvirt keeps, while it drops comments and
spacing when it defines a domain. That element also holds what the edits replaced.
"""

from collections.abc import Iterator
from dataclasses import field

from shimtool.configs.libvirt import edit
from shimtool.configs.libvirt.domain import Domain
from shimtool.configs.libvirt.edit import New, Span
from shimtool.configs.libvirt.keys import matches
from shimtool.configs.libvirt.xml import Element
from shimtool.deferred import dataclass, regex
from shimtool.model import ConfigEdits, ConfigValue

_MARK = "urn:shimtool:libvirt:1"
_STEP = regex(r"(?P<name>[^\[@]+)(?:\[(?P<number>[0-9]+)\])?(?:@(?P<attribute>.+))?")
# Of these no copy is kept: a graphics' password is one that dumpxml shows only when asked to.
_SECRET = ("graphics",)


def is_ours(domain: Domain) -> bool:
    """Tell whether convert() made this domain, also after libvirt has written it anew."""
    metadata = domain.root.find("metadata")
    return (
        any(each.name.startswith(f"{_MARK} ") for each in metadata.children) if metadata else False
    )


def convert(domain: Domain, edits: ConfigEdits) -> bytes:
    """Return the domain's XML with `edits` applied; everything else byte for byte.

    Raises ShimtoolError for a value that XML cannot hold.
    """
    work = _Work(domain.data, domain.root)
    work.apply(edits)
    work.mark()
    return edit.apply(domain.data, work.result())


@dataclass(slots=True)
class _Work:
    """Gathers the edits of one domain."""

    data: bytes
    root: Element
    spans: list[Span] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)  # the starts of elements that go
    before: list[str] = field(default_factory=list)
    new: dict[int, tuple[Element, list[New]]] = field(default_factory=dict)  # by parent's start

    def apply(self, edits: ConfigEdits) -> None:
        for path in edits.comment_out:
            self.comment_out(path)
        settings = dict(edits.settings)
        pinned = self.root.find("currentMemory") and "currentMemory" not in settings
        for path, value in edits.settings:
            if path not in ("memory", "currentMemory"):
                self.set(path, value)
            elif pinned:
                self.pin_memory()
            elif isinstance(value, int):
                self.set_memory(path, value)

    def comment_out(self, path: str) -> None:
        attribute = "" if path.endswith("]") else path.partition("@")[2]
        for element in list(matches(self.root, path)):
            if attribute:
                self.spans.append(edit.without_attribute(self.data, element, attribute))
                self._note(element)
            elif element.start not in self.removed:
                self.removed.add(element.start)
                self.spans.append(edit.removed(self.data, element))
                self._note(element)

    def set_memory(self, name: str, size: int) -> None:
        """Let <memory> or <currentMemory> be `size` MiB, in KiB: libvirt's usual unit."""
        element = self.root.find(name)
        if element is None:
            return
        self._note(element)
        self.spans.append(edit.with_text(self.data, element, str(size << 10)))
        if element.attributes.get("unit", "KiB") != "KiB":
            self.spans.append(edit.with_attribute(self.data, element, "unit", "KiB"))

    def pin_memory(self) -> None:
        """Let <memory> be what <currentMemory> is, in its very unit."""
        total, now = self.root.find("memory"), self.root.find("currentMemory")
        if total is None or now is None:
            return
        self._note(total)
        self.spans.append(edit.with_text(self.data, total, now.text))
        if "unit" in total.attributes or "unit" in now.attributes:
            unit = now.attributes.get("unit", "KiB")
            self.spans.append(edit.with_attribute(self.data, total, "unit", unit))

    def set(self, path: str, value: ConfigValue) -> None:
        self._set([self.root], path.split("/"), str(value))

    def _set(self, parents: list[Element], steps: list[str], value: str) -> None:
        step, *rest = steps
        found = _STEP.fullmatch(step)
        assert found  # noqa: S101 - paths are the plan's own
        children = [child for each in parents for child in self._staying(each, found["name"])]
        if found["number"]:
            children = children[int(found["number"]) - 1 :][:1]
        for parent in self._lacking(parents, children):
            self._create(parent, steps, value)
        if rest and children:
            self._set(children, rest, value)
        else:
            for child in children:
                self._replace(child, found["attribute"], value)

    def _lacking(self, parents: list[Element], children: list[Element]) -> list[Element]:
        """Return the parents to make a child in: those that have none of `children`.

        Several <devices> are one to libvirt: what one of them has, none of them lacks.
        """
        if any(each is parents[0] for each in self.root.children):
            return [] if children else parents[:1]
        return [
            parent
            for parent in parents
            if not any(parent.start <= child.start < parent.end for child in children)
        ]

    def _staying(self, parent: Element, name: str) -> Iterator[Element]:
        return (child for child in parent.all(name) if child.start not in self.removed)

    def _replace(self, element: Element, attribute: str | None, value: str) -> None:
        now = element.attributes.get(attribute) if attribute else element.text
        if now == value:
            return
        self._note(element)
        if attribute:
            self.spans.append(edit.with_attribute(self.data, element, attribute, value))
        elif value:
            self.spans.append(edit.with_text(self.data, element, value))

    def _create(self, parent: Element, steps: list[str], value: str) -> None:
        """Put in what is missing below `parent`; what was put in before is extended."""
        _, siblings = self.new.setdefault(parent.start, (parent, []))
        for number, step in enumerate(steps):
            found = _STEP.fullmatch(step)
            assert found  # noqa: S101 - paths are the plan's own
            node = next((each for each in siblings if each.name == found["name"]), None)
            if node is None:
                node = New(found["name"])
                siblings.append(node)
            if number == len(steps) - 1:
                if found["attribute"]:
                    node.attributes[found["attribute"]] = value
                else:
                    node.text = value
            siblings = node.children

    def _note(self, element: Element) -> None:
        if element.name not in _SECRET:
            text = self.data[element.start : element.end].decode()
            if text not in self.before:
                self.before.append(text)

    def mark(self) -> None:
        """Put our own element into <metadata>, with what the edits replace."""
        was = [New("shimtool:was", text=text) for text in self.before]
        own = New("shimtool:converted", {"xmlns:shimtool": _MARK}, children=was)
        metadata = self.root.find("metadata")
        if metadata is None:
            self.new.setdefault(self.root.start, (self.root, []))[1].append(
                New("metadata", children=[own])
            )
        else:
            self.new.setdefault(metadata.start, (metadata, []))[1].append(own)

    def result(self) -> list[Span]:
        added = (edit.appended(self.data, *each) for each in self.new.values())
        return [*self.spans, *(span for spans in added for span in spans)]
