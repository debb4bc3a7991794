"""Where the launcher on dom0 starts shimtool: from the image's files, on dom0's own tree.

    python3.11 -m shimtool.launched run WORD...      `shimtool WORD...`, with dom0's usual folders
    python3.11 -m shimtool.launched writes WORD...   print which folders that will write to

`writes` prints one path a line, free of links: --out first, then the folders of the configs that
--in-place or restore edit. Nothing else needs to be writable. It reads the words with the very
options of the command line, and is silent about those that these refuse: `run` says why.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shimtool.assets import shims_folder
from shimtool.cli.errors import Asked, report
from shimtool.cli.image import HELP, asks_help, fixed_shims, no_qemu, split, values_of
from shimtool.cli.main import main as shimtool
from shimtool.commands.settings import DEFAULT_HOST_OUT, HostSettings
from shimtool.configs.find import find_configs, paths
from shimtool.errors import ShimtoolError, fault
from shimtool.output.report_file import load

_IN = "/etc/xen"
_NO_DISKS = ("0", "no")


def main() -> None:
    """Do what the first word says, on the words after it."""
    verb, *words = sys.argv[1:]
    flags, words = split(words or [HELP[0]])
    helps = asks_help(words)
    try:
        if not helps:
            _refuse(words)
        if verb == "run":
            sys.argv[1:] = [*flags, *words]
            shimtool(_defaults(words))
        elif not helps:
            _print(_written(words))
    except ShimtoolError as error:
        sys.exit(report(error, Asked(as_json="--json" in words)))


def _refuse(words: Sequence[str]) -> None:
    if list(words[:2]) == ["shims", "add"]:
        raise fixed_shims(shims_folder())
    if words[0] == "boot-test":
        raise no_qemu()


def _defaults(words: Sequence[str]) -> dict[str, object]:
    """Return dom0's own folders, as defaults of options; outputs are called as they are there."""
    disks = os.environ.get("SHIMTOOL_DISKS") not in _NO_DISKS
    known = {"in_dir": _IN, "out": DEFAULT_HOST_OUT, **({} if disks else {"extract": False})}
    out = Path(values_of(words, known).get("out") or DEFAULT_HOST_OUT)
    return {**known, "host_out": str(out.absolute())}


def _written(words: Sequence[str]) -> list[str]:
    if words[0] not in ("convert", "restore"):
        return []
    given = values_of(words, _defaults(words))
    out = os.path.realpath(given["out"])
    if "\n" in out:
        raise fault("its name has a line break: no container takes that", out, remedy="rename it")
    if given.get("stale"):
        return [out, *sorted(_folders_converted_in_place(Path(out)))]
    edits = words[0] == "restore" or given.get("in_place")
    return [out, *(sorted(_folders_of_configs(given)) if edits else ())]


def _folders_converted_in_place(out: Path) -> set[str]:
    """Return where the configs lie that were converted in place."""
    try:
        guests = load(out).guests.values()
    except ShimtoolError:
        return set()
    edited = (each.config.here for each in guests if each.options.get("in_place"))
    return {str(Path(config).resolve().parent) for config in edited if "\n" not in config}


def _folders_of_configs(given: Mapping[str, Any]) -> set[str]:
    """Return where the configs lie; what cannot be found or given is told where it is written."""
    maps, kernels = given.get("map"), given.get("kernels")
    settings = HostSettings(map=list(maps or ()), kernels=list(kernels or ()) or None)
    try:
        named = [Path(each) for each in given["configs"] or ()]
        found = find_configs(named, Path(given["in_dir"]), settings.search_paths())
    except ShimtoolError:
        return set()
    folders = {str(path.resolve().parent) for path in paths(found)}
    return {folder for folder in folders if "\n" not in folder}


def _print(folders: Sequence[str]) -> None:
    for folder in folders:
        sys.stdout.buffer.write(os.fsencode(folder) + b"\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
