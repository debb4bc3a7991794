"""Which outputs no longer stand for what they were made from, and why."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shimtool.commands.planning import Outcome, ParsedGuest, make_plan, read_guests
from shimtool.commands.record import changed_outputs, fingerprint, sources
from shimtool.commands.run import Session, open_session
from shimtool.commands.settings import ConvertOptions, OutputOptions
from shimtool.errors import ShimtoolError, fault, os_errors_as_faults
from shimtool.model import Mode
from shimtool.output import report as reports
from shimtool.output.guest import Desk
from shimtool.output.report import Record
from shimtool.output.unpacked import UnpackedKernels
from shimtool.plan.hvm import DEVICE_MODEL_SCRIPT
from shimtool.system.files import has_content
from shimtool.text import reason


@dataclass(frozen=True, slots=True)
class GuestStatus:
    """A guest converted before, and what speaks against its outputs; nothing when fresh."""

    record: Record
    reasons: tuple[str, ...]


def status(wanted: Sequence[Path], options: OutputOptions) -> Iterator[GuestStatus]:
    """Compare outputs with what convert, given the same options again, would make them from.

    `wanted` are configs, or names of guests; none means all. Reads everything, writes nothing.
    Raises ShimtoolError when nothing was converted, or not what was asked for.
    """
    report = reports.load(options.out)
    records = _chosen(list(report.guests.values()), wanted, options.out)
    desks: dict[str, tuple[Session, Desk]] = {}
    for record in records:
        try:
            key = repr(sorted(record.options.items()))
            with os_errors_as_faults("read", options.out):
                if key not in desks:
                    desks[key] = _desk(record, options)
                found = tuple(_reasons(record, *desks[key]))
            yield GuestStatus(record, found)
        except ShimtoolError as error:
            yield GuestStatus(record, tuple(map(reason, error.faults)))


def _chosen(records: Sequence[Record], wanted: Sequence[Path], out: Path) -> Sequence[Record]:
    if not records:
        raise fault("nothing was converted here yet", out, remedy="name the --out of convert")
    if not wanted:
        return records
    names = {str(each) for each in wanted} | {str(each.absolute()) for each in wanted}
    found = [each for each in records if names & {each.name, each.config.here}]
    if len(found) < len(wanted):
        known = {each.name for each in found} | {each.config.here for each in found}
        missing = [str(each) for each in wanted if not known & {str(each), str(each.absolute())}]
        raise fault(
            "never converted into this --out",
            out,
            seen=", ".join(missing),
            remedy="convert it, or see `shimtool status` for the guests there are",
        )
    return found


def _desk(record: Record, run: OutputOptions) -> tuple[Session, Desk]:
    """Open what the guest's conversion had, as it is today."""
    options = ConvertOptions.from_record(record.options, run)
    session = open_session(options)
    return session, Desk(run.out, session.assets, UnpackedKernels(run.out), options)


def _reasons(record: Record, session: Session, desk: Desk) -> Iterator[str]:
    yield from changed_outputs(record, desk.out)
    if record.mode == Mode.HVM:
        yield from _script(desk)
    if not Path(record.config.here).exists():
        yield f"its config is gone: {record.config.here}"
        return
    (draft,) = read_guests([Path(record.config.here)], desk.out)
    outcome = make_plan(session, draft) if isinstance(draft, ParsedGuest) else draft
    if outcome.plan is None:
        yield from (f"cannot be converted any more: {reason(each)}" for each in outcome.faults)
        return
    changes = list(_changes(record, outcome))
    yield from changes
    if not changes and record.fingerprint != fingerprint(outcome, desk):
        yield "made by another shimtool, with other boot loader parts, or for another host"


def _script(desk: Desk) -> Iterator[str]:
    try:
        same = has_content(desk.out / DEVICE_MODEL_SCRIPT, desk.assets.device_model.read_bytes())
    except OSError as error:
        yield f"{DEVICE_MODEL_SCRIPT}: {error.strerror}"
    else:
        if not same:
            yield f"{DEVICE_MODEL_SCRIPT} is not the one of this shimtool"


def _changes(record: Record, outcome: Outcome) -> Iterator[str]:
    """Name the inputs that are not what they were."""
    assert outcome.plan and outcome.draft  # noqa: S101 - planned outcomes have both
    plan, data = outcome.plan, outcome.draft.config.data
    if hashlib.sha256(data).hexdigest() != record.config.sha256:
        yield f"config edited: {record.config.path}"
    if plan.guest.name != record.name:
        yield f"the config now describes {plan.guest.name}"
    before = {each.path: each.sha256 for each in record.inputs}
    for file in sources(plan):
        if file.dom0_path not in before:
            yield f"{file.dom0_path} is what it boots now, not {', '.join(before)}"
        elif file.sha256 != before[file.dom0_path]:
            yield f"{file.dom0_path} was replaced"
    if plan.image.shim.sha256 != record.shim_sha256:
        yield f"shim {plan.image.shim.name} is at hand, this has {record.shim}"
    if plan.mode != record.mode:
        yield f"this host would get {plan.mode} mode now, this is {record.mode}"
