"""Settings as options of a command line: names, metavars, help texts, and how they reach a command.

The settings themselves, their defaults and their checks are commands/settings.py's.
"""

import functools
import gc
import inspect
from collections.abc import Callable
from dataclasses import fields
from itertools import dropwhile
from pathlib import Path
from typing import Annotated, Any

import typer

from shimtool.cli.errors import Asked
from shimtool.cli.flags import Debug, Verbose, told
from shimtool.commands.settings import DEFAULT_KERNELS
from shimtool.errors import UsageError, os_errors_as_faults
from shimtool.model import BootLoader, MemoryWish, Mode, PvGrub

Command = Callable[..., None]


def _folder(text: str | Path) -> Path:
    """Refuse "", which pathlib would take for the current folder.

    Of LINK/.. links are followed: much of Python drops the two from a path as text.
    """
    if not str(text):
        raise typer.BadParameter("it is empty: name a folder")
    path = Path(text)
    return path.resolve() if ".." in dropwhile("..".__eq__, path.parts) else path


def _jobs(text: str | int) -> int:
    if not str(text).isdecimal() or not 1 <= int(text) <= _MOST_JOBS:
        raise typer.BadParameter(f"{text!r} is not a number from 1 to {_MOST_JOBS}")
    return int(text)


_MOST_JOBS = 64

Configs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="CONFIG...",
        readable=False,  # else one that is not would stop the others
        help=told("Guest configs, folders of them, or patterns.", "all in --in"),
    ),
]

# By the name of the settings' field.
_OPTIONS: dict[str, Any] = {
    "out": Annotated[
        Path, typer.Option("--out", metavar="DIR", parser=_folder, help="Where outputs go.")
    ],
    "in_dir": Annotated[
        Path,
        typer.Option(
            "--in",
            metavar="DIR",
            parser=_folder,
            help="The folder of configs to take when none is named.",
        ),
    ],
    "host_out": Annotated[
        str, typer.Option("--host-out", metavar="DIR", help="What --out is called on dom0.")
    ],
    "kernels": Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            parser=_folder,
            help=told("Look for kernels and ramdisks here too. Repeatable.", DEFAULT_KERNELS),
        ),
    ],
    "map": Annotated[
        list[str] | None,
        typer.Option(metavar="HOST=HERE", help="Dom0's folder HOST is HERE. Repeatable."),
    ],
    "xen": Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help=told("Dom0's Xen version, such as 4.9.2.", "asked of the host"),
        ),
    ],
    "mode": Annotated[
        str,
        typer.Option(
            metavar="|".join(("auto", *Mode)),
            help="The container. auto: PVH from Xen 4.10.1 on, if the shim can; else HVM.",
        ),
    ],
    "shim": Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help=told(
                "Which shim, by name (see: shims list) or by a path with a / in it.",
                "that of shims list",
            ),
        ),
    ],
    "shim_args": Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help=told("The shim's command line.", "its kind's, see: shims show"),
        ),
    ],
    "boot_loader": Annotated[
        BootLoader,
        typer.Option(
            metavar="|".join(BootLoader),
            help="What finds a pygrub guest's kernel. auto: in PVH mode keep, in HVM mode pvgrub.",
        ),
    ],
    "pvgrub": Annotated[
        PvGrub | None,
        typer.Option(
            metavar="|".join(PvGrub),
            help=told(
                "Which PV GRUB replaces pygrub: as wide as the guest's kernel.",
                "asked of the guest's disk, else x86_64",
            ),
        ),
    ],
    "extract": Annotated[
        bool | None,
        typer.Option(
            "--extract/--no-extract",
            help=told(
                "Take kernel, ramdisk and command line out of a pygrub guest's disk, once, instead"
                " of PV GRUB.",
                "where PV GRUB cannot do it",
            ),
        ),
    ],
    "verbose_boot": Annotated[
        bool,
        typer.Option("--verbose-boot", help="HVM: xl dmesg tells what is done before the shim."),
    ],
    "memory": Annotated[
        MemoryWish,
        typer.Option(
            metavar="|".join(MemoryWish),
            help="same: memory= grows by what the shim takes, and to what the kernel needs.",
        ),
    ],
    "force": Annotated[
        bool, typer.Option("--force", help="Redo unchanged guests; override host refusals.")
    ],
    "in_place": Annotated[
        bool,
        typer.Option("--in-place", help="Edit the configs themselves, keeping the originals."),
    ],
    "jobs": Annotated[
        int | None,
        typer.Option(
            parser=_jobs,  # a range would be shown as typer shows it
            metavar="N",
            help=told("Guests converted at a time.", "as many as there are processors"),
        ),
    ],
    "machine_memory": Annotated[
        int, typer.Option("--memory", min=64, metavar="MB", help="The machine's memory.")
    ],
    "timeout": Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="How long the shim may take to report.")
    ],
}


def option_group(kind: type[Any] | None = None) -> Callable[[Command], Command]:
    """Give a command the fields of `kind` as options, passed as one `settings`.

    Also gives it --verbose and --debug, and its errors what they need to be told well: which
    command it was, and whether it was asked for JSON (its parameter `as_json`).
    """

    def decorate(command: Command) -> Command:
        own = list(inspect.signature(command).parameters.values())
        shared = [
            _keyword(each.name, _OPTIONS[each.name], each.default)
            for each in (fields(kind) if kind else ())
        ]
        common = [_keyword("verbose", Verbose, False), _keyword("debug", Debug, False)]
        context = inspect.Parameter(
            "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
        )

        @functools.wraps(command)
        def called(context: typer.Context, **values: Any) -> None:  # noqa: ANN401 - whatever typer parsed
            gc.freeze()  # what was loaded is never looked through
            gc.enable()
            asked: Asked = context.obj
            asked.command = context.command_path
            asked.take(verbose=values.pop("verbose"), debug=values.pop("debug"))
            asked.as_json = values.get("as_json", False)
            try:
                if kind:
                    given = {each.name: values.pop(each.name) for each in shared}
                    values["settings"] = kind(**given)
                    asked.out = getattr(values["settings"], "out", None)
                with os_errors_as_faults("go on", "a file or folder"):  # where nobody knows better
                    command(**values)
            except UsageError as error:  # told as those that typer finds
                raise typer.BadParameter(error.faults[0].message) from error

        own = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        first = [each for each in own if each.name not in ("settings", "as_json")]
        last = [each for each in own if each.name == "as_json"]
        parameters = [context, *first, *shared, *last, *common]
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # typer reads it
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        return called

    return decorate


def _keyword(name: str, annotation: Any, default: object) -> inspect.Parameter:  # noqa: ANN401 - a type
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )
