"""What a plan, a conversion or a check looks like to people. Prints nothing."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from shimtool.dom0.detect import version_name
from shimtool.model import (
    BootImage,
    BootloaderBoot,
    Payload,
    Plan,
    PvGrubRequest,
    Syntax,
)
from shimtool.text import printable, table


def planned(plan: Plan, diff: str) -> str:
    """Describe a plan: what would be written, the warnings, and the config's diff."""
    lines = [f"{printable(plan.guest.name)}: {printable(str(plan.guest.config))}"]
    lines += [f"  {label + ':':13} {printable(value)}" for label, value in _rows(plan)]
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


def converted(plan: Plan, status: str, host_out: str) -> str:
    """Say what was written, and the command that starts the guest."""
    name = printable(plan.guest.name)
    lines = [f"{name}: {status} ({plan.mode}, shim {plan.image.shim.name})"]
    lines += [f"  {printable(f'{host_out}/{each}')}" for each in plan.files]
    start = shlex.quote(f"{host_out}/{plan.guest.new_config}")
    command = f"xl create {start}"
    if plan.guest.syntax is Syntax.LIBVIRT:
        command = f"virsh define {start} && virsh start {shlex.quote(plan.guest.name)}"
    return "\n".join([*lines, f"  start it on dom0: {printable(command)}"])


def checks(file: Path, passed: Iterable[tuple[str, str]]) -> str:
    """Render what verify found right: pairs of what was looked at and what was found."""
    rows = [(f"  {what}:", _short_digests(found)) for what, found in passed]
    return f"{printable(str(file))}: ok\n{table(rows)}"


def _short_digests(text: str) -> str:
    """Keep 16 digits of a hash: enough to compare by eye; --json has it whole."""
    return re.sub(r"\b([0-9a-f]{16})[0-9a-f]{48}\b", r"\1...", text)
