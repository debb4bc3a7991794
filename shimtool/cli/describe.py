"""What a plan, a conversion or a check looks like to people. Prints nothing."""

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shimtool.commands.outcomes import Unchanged
from shimtool.dom0.detect import version_name
from shimtool.model import (
    BootImage,
    BootloaderBoot,
    Guest,
    Mode,
    Payload,
    Plan,
    PvGrubRequest,
    Syntax,
)
from shimtool.text import printable, table, wrapped

if TYPE_CHECKING:  # what only describes a check need not load it
    from shimtool.commands.disk_space import DiskSpace

_SENTENCES = ("differs", "warning")


def planned(plan: Plan, diff: str, columns: int | None) -> str:
    """Describe a plan: what would be written, the warnings, and the config's diff.

    Sentences break where a terminal has so many columns; what is to be exact does not.
    """
    lines = [f"{printable(plan.guest.name)}: {printable(str(plan.guest.config))}"]
    for label, value in _rows(plan):
        row = f"  {label + ':':13} {printable(value)}"
        lines.append(wrapped(row, columns if label in _SENTENCES else None, 16))
    return "\n".join([*lines, "", diff])


def _rows(plan: Plan) -> Iterable[tuple[str, str]]:
    image = plan.image
    yield "mode", f"{plan.mode} (Xen on dom0: {version_name(plan.host)})"
    yield "shim", f"{image.shim.name} ({image.shim.size} bytes), arguments: {image.shim_args}"
    if image.payload is not None:
        yield from _payload(image, image.payload)
    elif isinstance(plan.guest.boot, BootloaderBoot):
        yield "boot loader", f"{plan.guest.boot.program.text}, which xl runs at each start"
    yield "writes", ", ".join(plan.files)
    for each in plan.differences:
        yield "differs", each.text
    told = {each.text for each in plan.differences}
    for warning in plan.warnings:
        if warning.text not in told:
            yield "warning", warning.text


def _payload(image: BootImage, payload: Payload) -> Iterable[tuple[str, str]]:
    file, facts = payload.kernel.file, payload.kernel.facts
    words = f"{facts.bits}-bit, {facts.guest_os or 'unknown'} {facts.version or ''}".rstrip()
    unpacked = ", stored unpacked" if image.unpack else ""
    yield "kernel", f"{file.dom0_path} ({file.size} bytes, {facts.wrapping}, {words}{unpacked})"
    if ramdisk := payload.ramdisk:
        yield "ramdisk", f"{ramdisk.file.dom0_path} ({ramdisk.file.size} bytes)"
    if (taken := payload.extracted) and taken.menu:
        yield "boot entry", f"{taken.title!r} of {taken.menu} inside the guest's disk"
    if payload.pvgrub is None:
        yield "command line", image.command_line or "(none)"
    else:
        yield from _asked(payload.pvgrub)


def _asked(of: PvGrubRequest) -> Iterable[tuple[str, str]]:
    """Show what PV GRUB is to do at each boot."""
    files = " and ".join(filter(None, (of.kernel, of.ramdisk)))
    yield "boots", f"{files or 'by the menu'} of the guest's disks: {', '.join(of.disks)}"
    yield "adds to line", of.words or "(nothing)"


def space(of: "DiskSpace") -> str:
    """Say what all planned guests' files take, and what there is."""
    whose = "the guest's" if of.guests == 1 else f"the {of.guests} guests'"
    take = f"{whose} files take {_amount(of.needed)} in {printable(str(of.folder))}"
    return take if of.free is None else f"{take}; {_amount(of.free)} are free"


def _amount(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count < 10**10 else f"{count / 1e9:,.1f} GB"


def converted(plan: Plan, status: str, host_out: str) -> str:
    """Say what was written."""
    return _written(plan.guest.name, status, plan.mode, plan.image.shim.name, plan.files, host_out)


def _written(  # noqa: PLR0913, PLR0917 - what a record tells, too
    name: str, status: str, mode: Mode, shim: str, files: Sequence[str], host_out: str
) -> str:
    lines = [f"{printable(name)}: {status} ({mode}, shim {shim})"]
    return "\n".join([*lines, *(f"  {printable(f'{host_out}/{each}')}" for each in files)])


def next_step(guest: Guest, number: int, host_out: str) -> str:
    """Say how the first of `number` guests that were converted starts anew."""
    config, name = shlex.quote(f"{host_out}/{guest.new_config}"), shlex.quote(guest.name)
    stop, start = f"xl shutdown -w {name}", f"xl create {config}"
    if guest.syntax is Syntax.LIBVIRT:
        stop, start = f"virsh shutdown {name}", f"virsh define {config} && virsh start {name}"
    others = f" (the other {number - 1} likewise)" if number > 1 else ""
    return f"next, on dom0{others}:\n  {printable(f'{stop}; {start}')}"


def unchanged(guest: Unchanged, host_out: str) -> str:
    """Say the same of a guest that was not planned."""
    return _written(guest.name, "unchanged", guest.mode, guest.shim, guest.files, host_out)


def checks(file: Path, passed: Iterable[tuple[str, str]]) -> str:
    """Render what verify found right: pairs of what was looked at and what was found."""
    rows = [(f"  {what}:", _short_digests(found)) for what, found in passed]
    return f"{printable(str(file))}: ok\n{table(rows)}"


def _short_digests(text: str) -> str:
    """Keep 16 digits of a hash: enough to compare by eye; --json has it whole."""
    return re.sub(r"\b([0-9a-f]{16})[0-9a-f]{48}\b", r"\1...", text)
