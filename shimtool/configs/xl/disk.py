"""Entries of disk=, read as libxlu's disk scanner reads them (Xen 4.17, and a few later words).

    [PREFIX:...]TARGET,[FORMAT],VDEV[:cdrom|:disk][,ACCESS]      and/or      KEY=VALUE,...

Words with a meaning of their own may stand anywhere; what is left is positional. `target=` takes
the rest of the entry. As in a flex scanner, at each position the rule that covers most text wins,
the earlier one of two equals.
"""

import re
from collections.abc import Callable
from dataclasses import field
from pathlib import Path

from shimtool.configs.xl.vdev import KNOWN, known_vdev
from shimtool.deferred import dataclass, regex
from shimtool.errors import fault
from shimtool.model import ConfigString, Disk

_LONGEST = 16384  # characters; paths end at 4096
_FORMATS = ("raw", "qcow", "qcow2", "vhd", "empty", "qed")
_CHOICES = {
    "format": _FORMATS,
    "backendtype": ("phy", "tap", "qdisk", "standalone"),
    "specification": ("xen", "virtio"),
}
_LIKE = "write e.g. 'phy:/dev/vg0/disk,xvda,w' or 'vdev=xvda,access=rw,target=/dev/vg0/disk'"


class _BadEntryError(Exception):
    """libxlu refuses this entry."""


@dataclass(slots=True)
class _Scan:
    """What is known of an entry so far."""

    text: str
    position: int = 0
    strings: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    readonly: bool = False
    cdrom: bool = False
    prefixed: bool = False
    access_given: bool = False
    # Where the entry says "disk" of its devtype, and a backendtype: (start, end) in characters.
    said_disk: list[tuple[int, int]] = field(default_factory=list)
    said_backend: list[tuple[int, int]] = field(default_factory=list)

    def run(self) -> None:
        while self.position < len(self.text):
            _, action, match = max(self._candidates(), key=lambda candidate: candidate[0])
            self.position = match.end()
            action(self, match)
        if self.cdrom:
            self.readonly = True
            if not self.strings.get("target"):
                self.chosen["format"] = "empty"
        if "vdev" not in self.strings:
            raise _BadEntryError("it names no virtual device (vdev)")
        if "target" not in self.strings and not self.cdrom:
            raise _BadEntryError("it names no target")

    def _candidates(self) -> list[tuple[int, "_Action", re.Match[str]]]:
        return [
            (extent(self.text, match.end()), action, match)
            for pattern, extent, action in _RULES
            if (match := pattern.match(self.text, self.position))
        ]

    def save(self, name: str, value: str) -> None:
        if self.strings.get(name):
            raise _BadEntryError(f"{name} is given twice")
        self.strings[name] = value

    def choose(self, name: str, value: str) -> None:
        if value not in _CHOICES[name]:
            raise _BadEntryError(f"unknown {name} {value}")
        if self.chosen.setdefault(name, value) != value:
            raise _BadEntryError(f"{name} is given twice")

    def access(self, value: str) -> None:
        if value not in ("", "r", "ro", "w", "rw"):
            raise _BadEntryError(f"unknown access {value}")
        self.readonly = value in ("r", "ro")

    def positional(self, value: str, start: int) -> None:
        if "target" not in self.strings:
            self.save("target", value)
        elif not self.prefixed and "format" not in self.chosen:
            if not self.strings["target"] and ":" in value:
                self.vdev(value, start)
                self.chosen["format"] = "empty"
            else:
                self.choose("format", value or "raw")
        elif "vdev" not in self.strings:
            self.vdev(value, start)
        elif not self.access_given:
            self.access_given = True
            self.access(value)
        else:
            raise _BadEntryError(f"nothing is expected after the access mode, but {value} is there")

    def vdev(self, value: str, start: int) -> None:
        name, colon, devtype = value.rpartition(":")
        self.save("vdev", name if colon else value)
        if not colon:
            return
        if devtype not in ("cdrom", "disk"):
            raise _BadEntryError(f"unknown device type {devtype}")
        self.cdrom = devtype == "cdrom"
        if not self.cdrom:
            end = start + len(value)
            self.said_disk.append((end - len("disk"), end))


# --- the rules: a pattern, how far it counts as covering the text, and what to do -------------

_Match = re.Match[str]
_Action = Callable[[_Scan, _Match], None]


def _itself(_text: str, end: int) -> int:
    return end


def _line(text: str, end: int) -> int:
    newline = text.find("\n", end)
    return len(text) if newline < 0 else newline


def _unless_word(text: str, end: int) -> int:
    if end == len(text) or re.match("[a-z0-9]", text[end]):
        return end
    return _line(text, end + 1)


def _ignore(_scan: _Scan, _match: _Match) -> None:
    """Do nothing: blanks, and words that change nothing we keep."""


def _save(scan: _Scan, match: _Match) -> None:
    scan.save(match[1], match[2])


def _choose(scan: _Scan, match: _Match) -> None:
    if match[1] == "backendtype":
        scan.said_backend.append(match.span(2))
    scan.choose(match[1], match[2] or ("raw" if match[1] == "format" else ""))


def _access(scan: _Scan, match: _Match) -> None:
    scan.access(match[1])


def _colo_port(_scan: _Scan, match: _Match) -> None:
    if not re.match(r"[ \t\n\v\f\r]*[+-]?0*[1-9]", match[1]):
        raise _BadEntryError(f"unknown value for colo-port {match[1]}")


def _cdrom(scan: _Scan, _found: _Match) -> None:
    scan.cdrom = True


def _disk(scan: _Scan, match: _Match) -> None:
    scan.cdrom = False
    scan.said_disk.append(match.span(1))


def _bad(scan: _Scan, match: _Match) -> None:
    raise _BadEntryError(f"xl does not understand {scan.text[match.start() :][:60]}")


def _prefix(scan: _Scan, _found: _Match) -> None:
    scan.prefixed = True


def _format_prefix(scan: _Scan, match: _Match) -> None:
    scan.prefixed = True
    scan.choose("format", match[1])


def _script_prefix(scan: _Scan, match: _Match) -> None:
    scan.prefixed = True
    scan.save("script", f"block-{match[1]}")


def _positional(scan: _Scan, match: _Match) -> None:
    scan.positional(match[0].removesuffix(","), match.start())


_STRINGS = "backend|vdev|script|colo-host|colo-export|active-disk|hidden-disk"
# trusted/untrusted and grant_usage came after 4.17; knowing them harms nobody.
_FLAGS = "direct-io-safe|(?:no-)?discard|(?:no-)?colo|(?:un)?trusted|grant_usage=[01]"
_RULES: tuple[tuple[re.Pattern[str], Callable[[str, int], int], _Action], ...] = tuple(
    (regex(pattern), extent, action)
    for pattern, extent, action in (
        (r"[ \t\n]+", _line, _ignore),
        (r"(format|backendtype|specification)=([^,]*),?", _itself, _choose),
        (r"(?:devtype=)?cdrom,?", _itself, _cdrom),
        (r"devtype=(disk),?", _itself, _disk),
        (r"devtype=[^,]*,?", _itself, _bad),
        (r"access=([^,]*),?", _itself, _access),
        (rf"({_STRINGS})=([^,]*),?", _itself, _save),
        (rf"(?:{_FLAGS}),?", _itself, _ignore),
        (r"colo-port=([^,]*),?", _itself, _colo_port),
        (r"(target)=(.*?),?(?=\n|\Z)", _itself, _save),
        (r"[a-z][-a-z0-9]*=[^,],?", _itself, _bad),
        (r"(raw|qcow2?|vhd):", _line, _format_prefix),
        (r"(iscsi|e?nbd|drbd):", _line, _script_prefix),
        (r"(?:tapdisk|tap2?|aio|ioemu|file|phy):", _line, _prefix),
        (r"[a-z][a-z0-9]*:", _unless_word, _bad),
        (r"[^=,]*,|[^=,]+", _itself, _positional),
        (r"=\Z", _itself, _ignore),  # overlooked, as the scanner sees the end before its error
        (r"=", _itself, _bad),
    )
)


# --- what others call -------------------------------------------------------------------------


def parse_disk(entry: ConfigString, path: Path) -> Disk:
    """Read one entry of disk=; ShimtoolError when libxlu or libxl would refuse it."""
    scan = _scanned(entry.text, path, entry.line)
    vdev = scan.strings["vdev"]
    if not known_vdev(vdev):
        message = f"xl knows no virtual device {vdev[:60]}"
        raise fault(message, path, entry.line, seen=entry.text[:200], remedy=KNOWN)
    return Disk(
        text=entry.text,
        line=entry.line,
        target=scan.strings.get("target", ""),
        vdev=vdev,
        format=scan.chosen.get("format", "raw"),
        readonly=scan.readonly,
        cdrom=scan.cdrom,
        backend=scan.chosen.get("backendtype", ""),
        backend_domain=scan.strings.get("backend", ""),
        script=scan.strings.get("script", ""),
        virtio=scan.chosen.get("specification") == "virtio",
    )


def as_cdrom(disk: Disk) -> str:
    """Return the text of `disk` marked as CD-ROM (devtype=cdrom), as an HVM guest may have it.

    libxl (4.5-4.19) takes a CD-ROM of an HVM guest from QEMU only: another backendtype= becomes
    qdisk. Nothing else changes.
    """
    text = disk.text
    scan = _scanned(text)
    words = dict.fromkeys(scan.said_backend, "qdisk")
    if not disk.cdrom:
        words |= dict.fromkeys(scan.said_disk, "cdrom")
    for (start, end), word in sorted(words.items(), reverse=True):
        text = f"{text[:start]}{word}{text[end:]}"
    # In front, because target= takes all that follows it.
    return text if disk.cdrom or scan.said_disk else f"devtype=cdrom,{text}"


def _scanned(text: str, path: Path | None = None, line: int | None = None) -> _Scan:
    scan = _Scan(text)
    try:
        if len(text) > _LONGEST:
            raise _BadEntryError(f"it is {len(text)} characters long")
        scan.run()
    except _BadEntryError as error:
        message = f"xl cannot read this disk entry: {error}"
        raise fault(message, path, line, seen=text[:200], remedy=_LIKE) from None
    return scan
