"""Another Debian suite's packages, from this machine's own apt sources.

The mirrors are those in /etc/apt; only the suite's name is exchanged, so that
no registry is named here and a local mirror or proxy keeps working.
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.debs import CACHE
from tests.support.programs import run

ETC = Path("/etc/apt")
DAY = 86400.0


def codename() -> str:
    """Return this machine's own suite."""
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    match = re.search(r"^VERSION_CODENAME=(\w+)$", text, re.MULTILINE)
    assert match, "needs Debian: /etc/os-release has no VERSION_CODENAME"
    return match[1]


def _stanzas() -> list[dict[str, str]]:
    """Return all enabled binary sources of this machine, as deb822 fields."""
    found = []
    for path in sorted((ETC / "sources.list.d").glob("*.sources")):
        for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            lines = [line for line in block.splitlines() if not line.startswith("#")]
            found.append(dict(re.findall(r"^([\w-]+):\s*(.*)$", "\n".join(lines), re.MULTILINE)))
    for path in [ETC / "sources.list", *sorted((ETC / "sources.list.d").glob("*.list"))]:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for match in re.finditer(r"^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+(.*)$", text, re.M):
            signed = re.search(r"signed-by=(\S+)", match[1] or "")
            stanza = {"Types": "deb", "URIs": match[2], "Suites": match[3], "Components": match[4]}
            found.append(stanza | ({"Signed-By": signed[1]} if signed else {}))
    return [s for s in found if "deb" in s.get("Types", "").split() and s.get("Enabled") != "no"]


def sources(suite: str) -> str:
    """Return deb822 sources of `suite`, made from this machine's."""
    own, out = codename(), []
    for stanza in _stanzas():
        suites = [name for name in stanza["Suites"].split() if name.split("-")[0] == own]
        if not suites:
            continue
        names = " ".join(name.replace(own, suite, 1) for name in suites)
        fields = stanza | {"Types": "deb", "Suites": names, "Components": "main"}
        out.append("".join(f"{key}: {value}\n" for key, value in fields.items()))
    assert out, f"no apt source of this machine is of its own suite ({own})"
    return "\n".join(out)


@dataclass(frozen=True, slots=True)
class Suite:
    """A private apt state for one suite; `sources` is its sources file."""

    name: str
    home: Path

    @property
    def sources(self) -> Path:
        return self.home / "apt.sources"

    def _options(self) -> list[str]:
        places = {
            "Dir::Etc::sourcelist": self.sources,
            "Dir::Etc::sourceparts": "-",
            "Dir::State::lists": self.home / "lists",
            "Dir::State::status": self.home / "status",
            "Dir::Cache": self.home / "cache",
            "APT::Sandbox::User": "root",
        }
        return [word for key, value in places.items() for word in ("-o", f"{key}={value}")]

    def version(self, package: str) -> str:
        """Return the candidate version of `package`."""
        shown = run(["apt-cache", *self._options(), "show", "--no-all-versions", package])
        return next(x[9:] for x in shown.splitlines() if x.startswith("Version: "))

    def kernel(self) -> str:
        """Return the package that linux-image-amd64 stands for in this suite."""
        lines = run(["apt-cache", *self._options(), "depends", "linux-image-amd64"]).splitlines()
        return next(line.split()[1] for line in lines if "Depends: linux-image" in line)

    def download(self, package: str) -> Path:
        """Return the .deb of `package`, downloading it once a version."""
        name, version = package, self.version(package).replace(":", "%3a")
        folder = self.home / "debs" / f"{name}_{version}"
        if not (found := list(folder.glob("*.deb"))):
            folder.mkdir(parents=True, exist_ok=True)
            run(["apt-get", *self._options(), "-q", "download", package], cwd=folder)
            found = list(folder.glob("*.deb"))
        return found[0]

    def unpack(self, package: str, into: Path) -> None:
        """Unpack `package` into `into`; nothing is installed."""
        into.mkdir(parents=True)
        run(["dpkg-deb", "-x", self.download(package), into])


def suite(name: str) -> Suite:
    """Return the suite with package lists not older than a day."""
    made = Suite(name, CACHE / "e2e" / "apt" / name)
    for folder in ("lists/partial", "cache/archives/partial"):
        (made.home / folder).mkdir(parents=True, exist_ok=True)
    (made.home / "status").touch()
    text, stamp = sources(name), made.home / "updated"
    fresh = stamp.exists() and time.time() - stamp.stat().st_mtime < DAY
    if not fresh or made.sources.read_text(encoding="utf-8") != text:
        made.sources.write_text(text, encoding="utf-8")
        run(["apt-get", *made._options(), "-q", "update"])
        stamp.touch()
    return made
