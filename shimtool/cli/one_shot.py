"""What a container says first that has the configs alone: what it found, and what to run next.

The command is whole: with the mounts that these guests need, for the engine that runs this one. An
image does not know its name in an engine, but its labels, which find it there.
"""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from shimtool import __version__
from shimtool.commands.outcomes import ParsedGuest
from shimtool.commands.reading import read_guests
from shimtool.commands.settings import DEFAULT_HOST_OUT, DEFAULT_IN, DEFAULT_KERNELS, DEFAULT_OUT
from shimtool.configs.find import find_configs
from shimtool.dom0.paths import SearchPaths
from shimtool.errors import ShimtoolError
from shimtool.model import Guest, GuestType, KernelBoot
from shimtool.text import printable

_CONFINED = "--rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges"
_BOOT = "/boot"
_WHOLE = "/dom0"  # where dom0's tree stands, if single folders will not do
_PODMAN = Path("/run/.containerenv")  # podman's, as is a variable `container`; docker has neither
_FILE_SYSTEMS = Path("/proc/filesystems")
_LABEL = "label=org.opencontainers.image"


def first_line(known: Mapping[str, str]) -> str | None:
    """Say what is in /in, and the command that converts it; None where `scan` will say why not.

    `known` are dom0's paths of what is mounted here, by where it is.
    """
    try:
        found = find_configs([], DEFAULT_IN, SearchPaths((), ()))
    except ShimtoolError:
        return None
    read = list(read_guests(found.configs, DEFAULT_OUT))
    guests = [each.guest for each in read if isinstance(each, ParsedGuest)]
    count = f"{len(read)} guest{'' if len(read) == 1 else 's'}"
    engine = "podman" if _is_podman() else "docker"
    selinux = "selinuxfs" in _FILE_SYSTEMS.read_text() if _FILE_SYSTEMS.exists() else False
    return f"{count} in {DEFAULT_IN}. To convert: {command(guests, known, engine, selinux=selinux)}"


def _is_podman() -> bool:
    return os.environ.get("container") == "podman" or _PODMAN.exists()  # noqa: SIM112 - its name


def command(
    guests: Sequence[Guest], known: Mapping[str, str], engine: str, *, selinux: bool
) -> str:
    """Return the command line for a shell on dom0."""
    out = known.get(str(DEFAULT_OUT), DEFAULT_HOST_OUT)
    configs = known.get(str(DEFAULT_IN), "FOLDER-OF-CONFIGS")
    volumes, words = _kernels(guests, known.get(str(DEFAULT_KERNELS), _BOOT))
    mounts = [f"{configs}:{DEFAULT_IN}:ro", *volumes, f"{out}:{DEFAULT_OUT}"]
    image = f"{engine} images -q -f {_LABEL}.title=shimtool -f {_LABEL}.version={__version__}"
    parts = [
        f"mkdir -p {shlex.quote(out)} && {engine} run {_CONFINED}",
        *(["--security-opt label=disable"] if selinux else []),
        *(f"-v {shlex.quote(each)}" for each in mounts),
        f'"$({image} | head -n 1)"',
        *words,
    ]
    return printable(" ".join(parts))


def _kernels(guests: Sequence[Guest], boot: str) -> tuple[list[str], list[str]]:
    """Return the mounts that kernels and ramdisks need, and what to say behind the image's name."""
    folders = sorted({str(PurePosixPath(path).parent) for path in _paths(guests)})
    others = [each for each in folders if not PurePosixPath(each).is_relative_to(_BOOT)]
    if any(map(_hides, others)):
        return [f"/:{_WHOLE}:ro"], ["convert", "--map", f"/={_WHOLE}"]
    inner = [f"{boot}:{DEFAULT_KERNELS}:ro"] if folders else []  # links in others lead there
    return [*inner, *(f"{each}:{each}:ro" for each in others)], []


def _paths(guests: Sequence[Guest]) -> Iterator[str]:
    """Yield the files of dom0 that PV guests boot from."""
    for guest in guests:
        if guest.type is GuestType.PV and isinstance(guest.boot, KernelBoot):
            for file in (guest.boot.kernel, guest.boot.ramdisk):
                if file is not None and file.text.startswith("/"):
                    yield file.text


def _hides(folder: str) -> bool:
    """Whether a mount there would hide files of the image, or cannot be written as -v."""
    return ":" in folder or ".." in PurePosixPath(folder).parts or Path(folder).exists()
