"""What a test guest said on its console: lines `E2E KEY VALUE...`, made by guest/init."""

import re
from dataclasses import dataclass

# MiB that a guest may have more than before: memory= is whole MiB, and a shim's tables of pages are
# of 2 MiB each, so that one may begin with what is added.
MORE = range(4)


@dataclass(frozen=True, slots=True)
class GuestReport:
    """All that one start of a guest told, in order: (key, value)."""

    lines: tuple[tuple[str, str], ...]

    @property
    def ready(self) -> bool:
        return any(key == "token" for key, _ in self.lines)

    def one(self, key: str) -> str:
        """Return the value of a key that must be there once."""
        values = self.all(key)
        assert len(values) == 1, f"{key} is there {len(values)} times, not once: {self.lines}"
        return values[0]

    def all(self, key: str) -> list[str]:
        return [value for name, value in self.lines if name == key]

    def command_line(self) -> bytes:
        """Return the very bytes of /proc/cmdline, without the newline that the kernel adds."""
        text = bytes.fromhex(self.one("line"))
        assert text.endswith(b"\n")
        return text[:-1]

    def blocks(self) -> dict[str, tuple[int, bool]]:
        """Return the block devices: name to (size in bytes, read-only)."""
        found = (value.split() for value in self.all("block"))
        return {name: (int(sectors) * 512, ro == "ro=1") for name, sectors, ro in found}

    def memory(self) -> tuple[int, int]:
        """Return the guest's own (current, target) in KiB."""
        current, target = self.one("memory").split()
        return int(current), int(target)


def starts(console: str) -> list[GuestReport]:
    """Read a console log; one Facts for each start of the guest."""
    runs: list[list[tuple[str, str]]] = []
    for line in console.replace("\r", "").splitlines():
        if match := re.match(r"E2E (\w+) ?(.*)$", line):
            if match[1] == "cmdline":
                runs.append([])
            if runs:
                runs[-1].append((match[1], match[2]))
    return [GuestReport(tuple(lines)) for lines in runs]
