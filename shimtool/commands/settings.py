"""Options that commands share: one frozen set each, turned into what the pipeline needs."""

import functools
import inspect
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Self, get_type_hints

import typer

from shimtool import text
from shimtool.dom0.detect import detect, parse_version
from shimtool.dom0.paths import SearchPaths
from shimtool.errors import ShimtoolError, fault, os_errors_as_faults
from shimtool.model import Host, Mode, PvGrub, Settings
from shimtool.output.report import OptionValue


def _folder(text: str | Path) -> Path:
    """Refuse "", which pathlib would take for the current folder."""
    if not str(text):
        raise typer.BadParameter("it is empty: name a folder")
    return Path(text)


Out = Annotated[
    Path, typer.Option("--out", metavar="DIR", parser=_folder, help="Where outputs go.")
]
In = Annotated[
    Path,
    typer.Option(
        "--in",
        metavar="DIR",
        parser=_folder,
        help="The folder of configs to take when none is named.",
    ),
]
HostOut = Annotated[str, typer.Option("--host-out", help="What --out is called on dom0.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

DEFAULT_IN = Path("/in")
DEFAULT_OUT = Path("/out")
DEFAULT_HOST_OUT = "/var/lib/xen/shimtool"
DEFAULT_KERNELS = Path("/kernels")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """Options of commands that look at outputs."""

    out: Out = DEFAULT_OUT
    host_out: HostOut = DEFAULT_HOST_OUT
    json: Json = False

    @property
    def dom0_out(self) -> str:
        """--host-out, checked: absolute, without a / at the end and odd parts in between."""
        path = "/" + posixpath.normpath(self.host_out).lstrip("/")
        if not self.host_out.startswith("/") or path == "/" or not path.isprintable():
            raise typer.BadParameter("--host-out must be an absolute path on dom0, and not /")
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class BootTestOptions:
    """Options of boot-test."""

    memory: Annotated[int, typer.Option(min=64, metavar="MB", help="The machine's memory.")] = 512
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="How long the shim may take to report.")
    ] = 120
    json: Json = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlaceOptions:
    """Options of restore."""

    out: Out = DEFAULT_OUT
    in_dir: In = DEFAULT_IN
    json: Json = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions(OutputOptions):
    """Options that say what dom0 is like and where its files are."""

    kernels: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            parser=_folder,
            help="Look for kernels and ramdisks here too. Repeatable. [/kernels]",
        ),
    ] = None
    map: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST=HERE", help="Dom0's folder HOST is HERE. Repeatable."),
    ] = None
    xen: Annotated[
        str | None, typer.Option(help="Dom0's Xen version, such as 4.9.2. [asked of the host]")
    ] = None
    mode: Annotated[
        str, typer.Option(help="auto, hvm or pvh. auto: PVH from Xen 4.10.1 on, else HVM.")
    ] = "auto"

    def host(self) -> Host:
        """Dom0 as far as it is known: --xen wins over what the hypervisor says."""
        found = detect()
        if self.xen is None:
            return found
        try:
            version = parse_version(self.xen)
        except ShimtoolError:
            raise typer.BadParameter(
                f"--xen: {self.xen!r} is not a Xen version; give it as 4.9 or 4.17.7"
            ) from None
        return Host(version, found.hvm, f"--xen {self.xen}")

    def mode_wanted(self) -> Mode | None:
        """The mode asked for; None for auto."""
        if self.mode not in ("auto", *Mode):
            raise typer.BadParameter(f"--mode: '{self.mode}' is not auto, hvm or pvh")
        return None if self.mode == "auto" else Mode(self.mode)

    def roots(self) -> SearchPaths:
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
        raise typer.BadParameter(f"--map {text}: give it as /HOST/DIR=/HERE/DIR")
    return host.rstrip("/") or "/", Path(here).absolute()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestOptions(HostOptions):
    """Options of commands that read configs and plan."""

    in_dir: In = DEFAULT_IN
    shim: Annotated[
        str | None, typer.Option(help="Which shim, by name (see: shimtool shims list).")
    ] = None
    shim_args: Annotated[
        str | None,
        typer.Option(help="The shim's command line instead of its kind's (see: shims show)."),
    ] = None
    pvgrub: Annotated[
        PvGrub,
        typer.Option(help="The PV GRUB that replaces pygrub: as wide as the guest's kernel."),
    ] = PvGrub.X86_64
    extract: Annotated[
        bool | None,
        typer.Option(
            "--extract/--no-extract",
            help="Take kernel, ramdisk and command line out of a pygrub guest's disk, once, instead"
            " of PV GRUB. [where PV GRUB cannot honour its config]",
        ),
    ] = None
    force: Annotated[
        bool, typer.Option("--force", help="Redo unchanged guests; override host refusals.")
    ] = False

    def settings(self) -> Settings:
        """What was asked for, checked."""
        given = self.shim_args
        if given is not None and (not given.strip() or not given.isprintable()):
            raise typer.BadParameter("--shim-args must be one line of text, and not empty")
        return Settings(
            host_out=self.dom0_out,
            mode=self.mode_wanted(),
            shim_args=self.shim_args,
            force=self.force,
            pvgrub=self.pvgrub,
            extract=self.extract,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertOptions(GuestOptions):
    """Options of convert alone."""

    in_place: Annotated[
        bool,
        typer.Option("--in-place", help="Edit the configs themselves, keeping the originals."),
    ] = False
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Guests converted at a time.")] = 1

    def recorded(self) -> dict[str, OptionValue]:
        """Return the options that decide what is written, by field name; not the defaults."""
        return {
            each.name: _recorded(each.name, getattr(self, each.name))
            for each in fields(self)
            if each.name not in NOT_RECORDED and getattr(self, each.name) != each.default
        }

    @classmethod
    def from_record(cls, recorded: Mapping[str, OptionValue], run: OutputOptions) -> Self:
        """Return the options of an earlier run, with --out of this one.

        Raises ShimtoolError for what recorded() never writes.
        """
        known = {each.name for each in fields(cls)} - NOT_RECORDED
        try:
            if not recorded.keys() <= known:
                raise ValueError
            given: dict[str, Any] = {
                name: _RECALL.get(name, _itself)(value) for name, value in recorded.items()
            }
        except (TypeError, ValueError):
            raise fault(
                "the report holds options that this shimtool does not know",
                run.out,
                seen=str(dict(recorded)),
                remedy="convert again, with the options of your choice",
            ) from None
        return cls(out=run.out, **given)


NOT_RECORDED = frozenset({"out", "in_dir", "json", "force", "jobs"})


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


def _itself(value: OptionValue) -> OptionValue:
    return value


def _paths(value: OptionValue) -> list[Path]:
    return [Path(each) for each in _words(value)]


def _words(value: OptionValue) -> list[str]:
    if not isinstance(value, tuple):
        raise TypeError
    return list(value)


_RECALL: dict[str, Callable[[Any], Any]] = {"kernels": _paths, "map": _words, "pvgrub": PvGrub}


Command = Callable[..., None]


def option_group(kind: type[Any] | None = None) -> Callable[[Command], Command]:
    """Give a command the fields of `kind` as options, passed as one `options`; guard its errors."""

    def decorate(command: Command) -> Command:
        hints = get_type_hints(kind, include_extras=True) if kind else {}
        shared = [
            inspect.Parameter(
                each.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=each.default,
                annotation=hints[each.name],
            )
            for each in (fields(kind) if kind else ())
        ]
        own = [p for p in inspect.signature(command).parameters.values() if p.name != "options"]

        @functools.wraps(command)
        def guarded(**values: Any) -> None:  # noqa: ANN401 - whatever typer parsed
            try:
                with os_errors_as_faults("go on", "a file or folder"):  # where nobody knows better
                    if kind:
                        picked = {each.name: values.pop(each.name) for each in shared}
                        values["options"] = kind(**picked)
                    command(**values)
            except ShimtoolError as error:
                typer.echo(text.error(error), err=True)
                raise typer.Exit(1) from None

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        guarded.__signature__ = inspect.Signature([*parameters, *shared])  # type: ignore[attr-defined] # typer reads it
        guarded.__annotations__ = {p.name: p.annotation for p in (*parameters, *shared)}
        return guarded

    return decorate
