"""What an interrupted run may have been doing, and what must be true of its files afterwards."""

import hashlib
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shimtool.output.report import FILE_NAME
from shimtool.output.report_file import load
from shimtool.system.staging import PREFIX, SUFFIX
from tests.support.cli import Result, shimtool_cli
from tests.support.dom0 import EMPTY_CPIO, Dom0
from tests.support.kernel_builder import small_kernel

Words = tuple[str, ...]
Files = dict[str, str]  # path below the dom0's root: SHA-256


def upgrade(dom0: Dom0) -> None:
    """Everything that goes into an output is another."""
    for name, plain in (("vmlinuz", False), ("vmlinux.gz", True)):
        fresh = dom0.boot / f"{name}.new"
        fresh.write_bytes(small_kernel(b"6.2.0", plain=plain))
        fresh.replace(dom0.boot / name)
    (dom0.boot / "initrd").write_bytes(EMPTY_CPIO * 2000)


def more_vcpus(dom0: Dom0) -> None:
    for config in dom0.configs.glob("*.cfg"):
        config.write_text(config.read_text() + "vcpus = 2\n")


@dataclass(frozen=True)
class Scenario:
    """Runs and changes that come first, then the command that is interrupted."""

    before: tuple[Words | Callable[[Dom0], None], ...]
    command: Words


# One at a time: which thread makes a call, and when, would be another each time.
CONVERT = ("convert", "--jobs", "1")
IN_PLACE = (*CONVERT, "--in-place")
SCENARIOS = {
    "first": Scenario((), CONVERT),
    "again": Scenario((CONVERT, upgrade, more_vcpus), CONVERT),
    "again-two-at-a-time": Scenario((CONVERT, upgrade), (*CONVERT, "--jobs", "2")),
    "pvh-together": Scenario((), (*CONVERT, "--xen", "4.17.7")),
    "hvm-becomes-pvh": Scenario((CONVERT, upgrade), (*CONVERT, "--xen", "4.17.7")),
    "in-place": Scenario((), IN_PLACE),
    "in-place-again": Scenario((IN_PLACE, upgrade), (*IN_PLACE, "--host-out", "/srv/elsewhere")),
    "restore": Scenario((IN_PLACE,), ("restore",)),
}


@dataclass
class Trial:
    """A dom0 that can be put back to where a scenario's command starts, at the same paths.

    Where it is `rehearsed`, what an uninterrupted run leaves is known, and can be checked.
    """

    dom0: Dom0
    scenario: Scenario
    guests: tuple[str, ...] = ("one", "two", "three")
    rehearsed: bool = True
    before: Files = field(default_factory=dict)
    after: Files = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._build()
        for step in self.scenario.before:
            if callable(step):
                step(self.dom0)
            else:
                ended = self.run(step)
                assert ended.code == 0, ended
        self.before = self.files()
        _linked(self.dom0.root, self._kept)
        if self.rehearsed:
            self.rehearse()

    def _build(self) -> None:
        for folder in (self.dom0.configs, self.dom0.boot, self.dom0.out):
            folder.mkdir(parents=True)
        (self.dom0.boot / "vmlinuz").write_bytes(small_kernel(b"6.1.0"))
        (self.dom0.boot / "vmlinux.gz").write_bytes(small_kernel(b"6.1.0", plain=True))
        (self.dom0.boot / "initrd").write_bytes(EMPTY_CPIO)
        for name in self.guests:
            image = "vmlinux.gz" if name == "two" else "vmlinuz"
            self.dom0.config(
                f"{name}.cfg",
                f'name = "{name}"\nkernel = "/boot/{image}"\nramdisk = "/boot/initrd"\n'
                "memory = 512\n",
            )

    @property
    def _kept(self) -> Path:
        return self.dom0.root.with_name("kept")

    def rehearse(self) -> None:
        """Let the command run to its end, as always."""
        self.rewind()
        ended = self.run()
        assert ended.code == 0, ended
        found = self.files()
        assert found == (self.after or found), "the same run gives other bytes"
        self.after = found

    def words(self, command: Words) -> list[str]:
        """The command with this dom0's folders."""
        folders = {"--out": self.dom0.out}
        if command[0] not in ("status", "verify"):
            folders["--in"] = self.dom0.configs
        if command[0] in ("scan", "plan", "convert"):
            folders["--map"] = Path(f"/boot={self.dom0.boot}")
        given = [str(word) for pair in folders.items() for word in pair]
        return [command[0], *given, *command[1:]]

    def run(self, command: Words | None = None) -> Result:
        """Run a command, the scenario's own by default."""
        return shimtool_cli(*self.words(command or self.scenario.command))

    def rewind(self) -> None:
        """Go back to just before the command. Files are links: who changes one in place is seen."""
        shutil.rmtree(self.dom0.root)
        _linked(self._kept, self.dom0.root)
        assert self.files() == self.before, "an older version was changed in place"

    def files(self) -> Files:
        """Everything but inputs, the lock and the report, whose times differ from run to run."""
        return {
            str(path.relative_to(self.dom0.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in _all(self.dom0.root)
            if path.name not in (".lock", FILE_NAME) and path.parent != self.dom0.boot
        }

    def check_interrupted(self) -> None:
        """Under each final name is a whole version, old or new; nothing is lost or half."""
        found = {name: digest for name, digest in self.files().items() if not _unfinished(name)}
        for name, digest in found.items():
            version = f"etc-xen/{Path(name).parent.name}.cfg" if "replaced.cfg" in name else name
            assert digest in (self.before.get(version), self.after.get(version)), name
        gone = self.before.keys() - found.keys()
        assert not gone & self.after.keys(), gone
        load(self.dom0.out)
        for guest in self.guests:
            self._check_order(guest, found)

    def _check_order(self, guest: str, found: Files) -> None:
        """A config appears after its ISO; the guest's own is replaced after it is kept."""
        if self.scenario.command[0] != "convert":
            return
        for config, needed in (
            (f"out/{guest}.cfg", f"out/{guest}.iso"),
            (f"etc-xen/{guest}.cfg", f"out/originals/{guest}/original.cfg"),
        ):
            if found.get(config) == self.after.get(config) != self.before.get(config):
                assert needed not in self.after or found[needed] == self.after[needed], needed

    def check_finished(self) -> None:
        """All is as after a run that nothing interrupted; nothing unfinished lies about."""
        found = self.files()
        litter = {name for name in found if _unfinished(name)}
        assert not litter, litter
        if self.scenario.command[0] == "restore":  # what it no longer needs may stay
            found = {name: digest for name, digest in found.items() if "originals/" not in name}
        assert found == self.after


def _unfinished(name: str) -> bool:
    last = Path(name).name
    return last.startswith(PREFIX) and last.endswith(SUFFIX)


def _all(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if not path.is_dir())


def _linked(source: Path, target: Path) -> None:
    shutil.copytree(source, target, copy_function=os.link)


def shuffled(words: Sequence[str], seed: int) -> list[str]:
    """The same, in an order of `seed`'s."""
    return random.Random(seed).sample(words, len(words))  # noqa: S311 - no secret


def finish(trial: Trial) -> None:
    """Run it again: it completes, unless there is nothing left to restore."""
    again = trial.run()
    assert "Traceback" not in again.said
    if trial.scenario.command[0] == "restore" and again.code:
        assert "no config here was converted in place" in again.said
    else:
        assert again.code == 0, again
        assert trial.scenario.command[0] == "restore" or trial.run(("status",)).code == 0
    trial.check_finished()
