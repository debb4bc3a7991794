"""Entry point of the container image: `shimtool`, with what the container itself tells.

- Without a command it converts, or with nothing mounted to write to, says what to run and scans.
- dom0's paths of what is mounted become --map and --host-out, where they are certain; the
  user's own come after them and win.
- Outputs that would vanish with the container are refused, and so are shims added to it, and
  boot-test, as there is no QEMU.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence

from shimtool.assets import shims_folder
from shimtool.cli.errors import Asked, report
from shimtool.cli.image import asks_help, fixed_shims, no_qemu, split, values_of
from shimtool.cli.main import main as shimtool
from shimtool.cli.one_shot import first_line
from shimtool.commands.boot_test import QEMU
from shimtool.commands.settings import DEFAULT_HOST_OUT, DEFAULT_IN, DEFAULT_OUT
from shimtool.errors import ShimtoolError, fault
from shimtool.mounts import CONFIGS, Mount, dom0_paths, is_mounted, read_mounts

_MAPPING = ("scan", "plan", "convert", "host")
_NAMING = (*_MAPPING, "verify", "status")


def main() -> None:
    """Run the command line with what the container adds to it."""
    words = sys.argv[1:]
    try:
        _add(words, read_mounts())
    except ShimtoolError as error:
        sys.exit(report(error, Asked(as_json="--json" in words)))


def _add(words: list[str], mounts: Sequence[Mount]) -> None:
    """Refuse what would be lost with the container; add what the mounts tell, and run."""
    if not words and mounts and not is_mounted(str(DEFAULT_OUT), mounts):
        _scan(mounts)
        return
    flags, words = split(words)
    if not asks_help(words):
        _refuse(words, mounts)
    _run([words[0], *_known(words[0], mounts), *flags, *words[1:]])


def _refuse(words: Sequence[str], mounts: Sequence[Mount]) -> None:
    if words[0] == "convert" and mounts:
        _refuse_lost(_out(words), mounts)
    if list(words[:2]) == ["shims", "add"]:
        _refuse_fixed(mounts)
    if words[0] == "boot-test" and not shutil.which(QEMU):
        raise no_qemu()


def _run(words: Sequence[str]) -> None:
    sys.argv[1:] = words
    shimtool()


def _scan(mounts: Sequence[Mount]) -> None:
    """Say what to run next, then scan."""
    known = {here: dom0 for dom0, here in dom0_paths(mounts)}
    if any(each.point == str(DEFAULT_IN) and each.root.endswith(CONFIGS) for each in mounts):
        known.setdefault(str(DEFAULT_IN), CONFIGS)  # in a subvolume of dom0's, as btrfs has it
    if line := first_line(known):
        print(line, flush=True)
    _run(["scan", *_known("scan", mounts)])


def _known(command: str, mounts: Sequence[Mount]) -> Iterator[str]:
    """Yield the options that say what the mounts tell."""
    for dom0, here in dom0_paths(mounts):
        if command in _MAPPING and dom0 != here and "=" not in dom0:
            yield f"--map={dom0}={here}"
        if command in _NAMING and here == str(DEFAULT_OUT):
            yield f"--host-out={dom0}"


def _out(words: Sequence[str]) -> str:
    """Return the value of --out, as the command line will read it."""
    return str(values_of(words, {}).get("out") or DEFAULT_OUT)


def _refuse_lost(out: str, mounts: Sequence[Mount]) -> None:
    if not is_mounted(out, mounts):
        raise fault(
            "nothing is mounted here: what is written would vanish with the container",
            out,
            remedy=f"mount the folder for outputs: -v {DEFAULT_HOST_OUT}:{out}",
        )


def _refuse_fixed(mounts: Sequence[Mount]) -> None:
    """Refuse to add shims to the image itself; a folder of one's own, mounted, takes them."""
    shims = shims_folder()
    if (mounts and not is_mounted(str(shims), mounts)) or not os.access(shims, os.W_OK):
        raise fixed_shims(shims)


if __name__ == "__main__":
    main()
