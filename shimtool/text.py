"""Text for people: the only place that renders errors, plans and outcomes. Prints nothing."""

import difflib
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from shimtool.dom0.detect import describe
from shimtool.errors import Fault, ShimtoolError
from shimtool.model import Mode, Plan, Syntax


def clean(text: str) -> str:
    """Make a string from a config safe for a terminal: no control characters, no raw bytes."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def error(raised: ShimtoolError) -> str:
    """Render every fault: what, where, the value seen, what to do."""
    return "\n".join(_fault(each) for each in raised.faults)


def _fault(fault: Fault) -> str:
    where = f"{clean(str(fault.where))}: " if fault.where else ""
    lines = [f"error: {where}{clean(fault.message)}"]
    lines += [f"  {clean(line)}" for line in fault.detail.splitlines()]
    if fault.seen is not None:
        lines.append(f"  seen: {clean(_short(fault.seen))}")
    if fault.remedy:
        lines.append(f"  do:   {clean(fault.remedy)}")
    return "\n".join(lines)


def reason(fault: Fault) -> str:
    """Render one fault on one line, for lists and JSON."""
    remedy = f" ({fault.remedy})" if fault.remedy else ""
    where = f"{fault.where}: " if fault.where else ""
    return clean(f"{where}{fault.message}{remedy}")


def _short(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def changes(plan: Plan) -> list[str]:
    """List the edits of the config, one a key."""
    kept = {key for key, _value in plan.edits.settings}
    gone = [f"{key}: no longer set" for key in plan.edits.comment_out if key not in kept]
    return [*gone, *(f"{key} = {_value(value)}" for key, value in plan.edits.settings)]


def plan(plan: Plan, diff: str) -> str:
    """Describe a plan: what would be written, the warnings, and the config's diff."""
    image, kernel = plan.image, plan.image.payload.kernel
    facts = kernel.facts
    rows = [
        ("mode", f"{plan.mode} (Xen on dom0: {describe(plan.host)})"),
        ("shim", f"{image.shim.name} ({image.shim.size} bytes), arguments: {image.shim_args}"),
        (
            "kernel",
            f"{kernel.file.dom0_path} ({kernel.file.size} bytes, {facts.wrapping},"
            f" {facts.bits}-bit, {facts.guest_os or 'unknown'} {facts.version or ''}".rstrip()
            + (", stored unpacked)" if image.unpack and plan.mode is Mode.HVM else ")"),
        ),
    ]
    if ramdisk := image.payload.ramdisk:
        guarded = ", behind an empty cpio" if image.cpio_prefix and plan.mode is Mode.HVM else ""
        rows.append(("ramdisk", f"{ramdisk.file.dom0_path} ({ramdisk.file.size} bytes{guarded})"))
    if (taken := image.payload.extracted) and taken.menu:
        rows.append(("boot entry", f"{taken.title!r} of {taken.menu} inside the guest's disk"))
    rows.append(("command line", image.command_line or "(none)"))
    rows.append(("writes", ", ".join(plan.files)))
    rows += [("warning", text) for text in plan.warnings]
    lines = [f"{clean(plan.guest.name)}: {clean(str(plan.guest.config))}"]
    lines += [f"  {label + ':':13} {clean(value)}" for label, value in rows]
    return "\n".join([*lines, "", diff])


def diff(before: bytes, after: bytes, old: str, new: str) -> str:
    """Return a unified diff of two configs, safe for a terminal."""
    lines = difflib.unified_diff(_lines(before), _lines(after), old, new, lineterm="")
    return "".join(f"{clean(line)}\n" for line in lines)


def _lines(data: bytes) -> Sequence[str]:
    return os.fsdecode(data).splitlines()


def table(rows: Iterable[Sequence[str]]) -> str:
    """Align columns; the last one is left as long as it is."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        return ""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def _value(value: int | str | tuple[str, ...]) -> str:
    return str(list(value)) if isinstance(value, tuple) else repr(value)


def checks(file: Path, passed: Iterable[tuple[str, str]]) -> str:
    """Render what verify found right: pairs of what was looked at and what was found."""
    rows = [(f"  {what}:", _short_digest(found)) for what, found in passed]
    return f"{clean(str(file))}: ok\n{table(rows)}"


def _short_digest(text: str) -> str:
    """Keep 16 digits of a hash: enough to compare by eye; --json has it whole."""
    return re.sub(r"\b([0-9a-f]{16})[0-9a-f]{48}\b", r"\1...", text)


def converted(plan: Plan, status: str, host_out: str) -> str:
    """Say what was written, and the command that starts the guest."""
    name = clean(plan.guest.name)
    lines = [f"{name}: {status} ({plan.mode}, shim {plan.image.shim.name})"]
    lines += [f"  {clean(f'{host_out}/{each}')}" for each in plan.files]
    start = shlex.quote(f"{host_out}/{plan.guest.new_config}")
    command = f"xl create {start}"
    if plan.guest.syntax is Syntax.LIBVIRT:
        command = f"virsh define {start} && virsh start {shlex.quote(plan.guest.name)}"
    return "\n".join([*lines, f"  start it on dom0: {clean(command)}"])
