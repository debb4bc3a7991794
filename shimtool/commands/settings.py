"""What a command was asked for, whoever asked: frozen settings, checked where they are used.

    OutputSettings          where outputs are
    └ HostSettings          what dom0 is like, and where its files are here
      └ GuestSettings       what is wanted of the guests
        └ ConvertSettings   how they are written
    InPlaceSettings, BootTestSettings

Whatever is wrong with a value is a UsageError that names the option.
"""

import os
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from shimtool.deferred import dataclass
from shimtool.dom0.detect import detect, parse_version
from shimtool.dom0.paths import SearchPaths
from shimtool.errors import ShimtoolError, UsageError, fault
from shimtool.model import BootLoader, Host, MemoryWish, Mode, PvGrub, Settings
from shimtool.output.report import OptionValue

DEFAULT_IN = Path("/in")
DEFAULT_OUT = Path("/out")
DEFAULT_HOST_OUT = "/var/lib/xen/shimtool"
DEFAULT_KERNELS = Path("/kernels")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """Where outputs are: here, and on dom0."""

    out: Path = DEFAULT_OUT
    host_out: str = DEFAULT_HOST_OUT

    @property
    def dom0_out(self) -> str:
        """--host-out, checked: absolute, without a / at the end or odd parts in between."""
        path = "/" + posixpath.normpath(self.host_out).lstrip("/")
        if not self.host_out.startswith("/") or path == "/" or not path.isprintable():
            raise UsageError("--host-out", "it must be an absolute path on dom0, and not /")
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class BootTestSettings:
    """The machine of a boot test: `machine_memory` in MiB, `timeout` in seconds."""

    machine_memory: int = 512
    timeout: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlaceSettings:
    """Where the configs converted in place are, and where their originals are kept."""

    out: Path = DEFAULT_OUT
    in_dir: Path = DEFAULT_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings(OutputSettings):
    """What dom0 is like and where its files are here; None stands for the default."""

    kernels: list[Path] | None = None
    map: list[str] | None = None
    xen: str | None = None
    mode: str = "auto"

    def host(self) -> Host:
        """Dom0 as far as it is known: --xen wins over what the hypervisor says."""
        found = detect()
        if self.xen is None:
            return found
        try:
            version = parse_version(self.xen)
        except ShimtoolError:
            message = f"{self.xen!r} is not a Xen version; give it as 4.9 or 4.17.7"
            raise UsageError("--xen", message) from None
        return Host(version, found.hvm, f"--xen {self.xen}")

    def mode_wanted(self) -> Mode | None:
        """The mode asked for; None for auto."""
        if self.mode not in ("auto", *Mode):
            raise UsageError("--mode", f"{self.mode!r} is not auto, hvm or pvh")
        return None if self.mode == "auto" else Mode(self.mode)

    def search_paths(self) -> SearchPaths:
        """How dom0's paths are found here."""
        maps = tuple(map(_mapping, self.map or []))
        return SearchPaths(maps, tuple(self._kernel_folders({here for _, here in maps})))

    def _kernel_folders(self, mapped: set[Path]) -> list[Path]:
        if self.kernels is None:
            # Mapped, it is a known folder of dom0's, and no place to look for others.
            searched = DEFAULT_KERNELS.is_dir() and DEFAULT_KERNELS not in mapped
            return [DEFAULT_KERNELS] if searched else []
        for folder in self.kernels:
            if not folder.is_dir():
                raise fault("--kernels is not a folder", folder, remedy="mount or name another")
        return [folder.absolute() for folder in self.kernels]


def _mapping(text: str) -> tuple[str, Path]:
    host, equals, here = text.partition("=")
    if not equals or not host.startswith("/") or not here:
        raise UsageError("--map", f"{text!r}: give it as /HOST/DIR=/HERE/DIR")
    return host.rstrip("/") or "/", Path(here).absolute()


_AGAINST = {
    BootLoader.KEEP: ("--extract", "--pvgrub"),
    BootLoader.PVGRUB: ("--extract",),
    BootLoader.EXTRACT: ("--no-extract", "--pvgrub"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSettings(HostSettings):
    """What is wanted of the guests; None stands for the best there is."""

    in_dir: Path = DEFAULT_IN
    shim: str | None = None
    shim_args: str | None = None
    boot_loader: BootLoader = BootLoader.AUTO
    pvgrub: PvGrub | None = None
    extract: bool | None = None
    verbose_boot: bool = False
    memory: MemoryWish = MemoryWish.SAME
    force: bool = False

    def for_plan(self) -> Settings:
        """What planning needs of them, checked."""
        given = self.shim_args
        if given is not None and (not given.strip() or not given.isprintable()):
            raise UsageError("--shim-args", "it must be one line of text, and not empty")
        return Settings(
            host_out=self.dom0_out,
            mode=self.mode_wanted(),
            shim_args=self.shim_args,
            force=self.force,
            boot_loader=self.boot_loader,
            pvgrub=self.pvgrub,
            extract=self._extract(),
            verbose_boot=self.verbose_boot,
            memory=self.memory,
        )

    def _extract(self) -> bool | None:
        """--extract, which --boot-loader extract is too; they must not contradict each other."""
        given = {
            "--extract": self.extract,
            "--no-extract": self.extract is False,
            "--pvgrub": self.pvgrub,
        }
        for option in _AGAINST.get(self.boot_loader, ()):
            if given[option]:
                raise UsageError("--boot-loader", f"{self.boot_loader} stands against {option}")
        return True if self.boot_loader is BootLoader.EXTRACT else self.extract


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertSettings(GuestSettings):
    """How guests are written: over their own configs or not, and how many at a time.

    `jobs` None is as many as there are processors.
    """

    in_place: bool = False
    jobs: int | None = None

    @property
    def at_a_time(self) -> int:
        """How many guests are converted at a time, if there are as many."""
        return self.jobs or len(os.sched_getaffinity(0))

    def recorded(self) -> dict[str, OptionValue]:
        """Return what decides the outputs, by field name; not the defaults."""
        return {
            each.name: _recorded(each.name, getattr(self, each.name))
            for each in fields(self)
            if each.name not in NOT_RECORDED and getattr(self, each.name) != each.default
        }

    @classmethod
    def from_record(cls, recorded: Mapping[str, OptionValue], out: Path) -> Self:
        """Return the settings of an earlier run, for its outputs in `out`.

        Raises UsageError for what no `recorded()` gives: somebody edited the report.
        """
        known = {each.name for each in fields(cls)} - NOT_RECORDED
        given: dict[str, Any] = {}
        for name, value in recorded.items():
            if name not in known:
                raise UsageError(name, "this shimtool knows no such option")
            try:
                given[name] = _RESTORED.get(name, _text)(value)
            except (TypeError, ValueError):
                raise UsageError(name, "not a value of this option", str(value)) from None
        return cls(out=out, **given)


# What is of one run only, and decides no output's content.
NOT_RECORDED = frozenset({"out", "in_dir", "force", "jobs"})


def _recorded(name: str, value: Any) -> OptionValue:  # noqa: ANN401 - whatever an option holds
    match name, value:
        case "kernels", _:
            return tuple(str(folder.absolute()) for folder in value)
        case "map", _:
            return tuple(f"{host}={here}" for host, here in map(_mapping, value))
        case _, bool():
            return value
        case _:
            return str(value)


def _text(value: OptionValue) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(value: OptionValue) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _texts(value: OptionValue) -> list[str]:
    if not isinstance(value, tuple):
        raise TypeError
    return list(value)


def _paths(value: OptionValue) -> list[Path]:
    return [Path(each) for each in _texts(value)]


_RESTORED: dict[str, Callable[[OptionValue], Any]] = {
    "kernels": _paths,
    "map": _texts,
    "boot_loader": lambda value: BootLoader(_text(value)),
    "pvgrub": lambda value: PvGrub(_text(value)),
    "extract": _flag,
    "verbose_boot": _flag,
    "memory": lambda value: MemoryWish(_text(value)),
    "in_place": _flag,
}
