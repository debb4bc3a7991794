"""Which outputs are stale against what they were made from, and why."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from shimtool.commands.outcomes import GuestStatus, Outcome, Planned, Refused, done_or_refused
from shimtool.commands.record import changed_outputs, fingerprint
from shimtool.commands.run import Run, open_run
from shimtool.commands.settings import ConvertSettings
from shimtool.commands.unchanged import UnchangedGuests, basis_of
from shimtool.errors import (
    Code,
    Fault,
    Location,
    ShimtoolError,
    UsageError,
    coded,
    fault,
    os_errors_as_faults,
)
from shimtool.model import Mode
from shimtool.model.outputs import DEVICE_MODEL_SCRIPT
from shimtool.output.destination import Destination
from shimtool.output.report import FILE_NAME, DamagedRecord, Record, Report
from shimtool.output.report_file import load
from shimtool.system.digests import sha256
from shimtool.system.files import has_content


def status(wanted: Sequence[Path], out: Path) -> Iterator[GuestStatus | DamagedRecord]:
    """Compare outputs with what convert, given the same options again, would make them from.

    `wanted` are configs, or names of guests; none means all. Reads everything, writes nothing.
    A record that is damaged is that guest's alone.
    Raises ShimtoolError when nothing was converted, or not what was asked for.
    """
    report = load(out)
    runs = _Runs(out, report)
    for record in _chosen(report, wanted, out):
        yield record if isinstance(record, DamagedRecord) else _status_of(record, runs, out)


def _status_of(record: Record, runs: "_Runs", out: Path) -> GuestStatus:
    def compare() -> GuestStatus:
        with os_errors_as_faults("read", out):
            run, unchanged = runs.of(record)
            return _compared(record, run, unchanged)

    done = done_or_refused(compare, Path(record.config.here))
    if isinstance(done, Refused):
        return GuestStatus(record, done.faults, done.crash)
    return done


_Recorded = Record | DamagedRecord


def _chosen(report: Report, wanted: Sequence[Path], out: Path) -> Iterable[_Recorded]:
    if not report.guests and not report.damaged:
        raise fault("nothing was converted here yet", out, remedy="name the --out of convert")
    guests = report.guests
    if wanted and all(str(each) in guests for each in wanted):  # no other's need be read
        guests = {name: guests[name] for name in sorted(map(str, wanted))}
    records = chain[_Recorded](guests.values(), report.damaged)
    if not wanted:
        return records
    names = {str(each) for each in wanted} | {str(each.absolute()) for each in wanted}
    found = [each for each in records if names & _known_as(each)]
    known = {name for each in found for name in _known_as(each)}
    missing = [str(each) for each in wanted if not known & {str(each), str(each.absolute())}]
    if missing:
        raise fault(
            "never converted into this --out",
            out,
            seen=", ".join(missing),
            remedy="convert it, or see `shimtool status` for the guests there are",
        )
    return found


def _known_as(each: _Recorded) -> set[str]:
    return {each.name} if isinstance(each, DamagedRecord) else {each.name, each.config.here}


class _Runs:
    """The runs that convert would be today: one for all guests of the same options."""

    def __init__(self, out: Path, report: Report) -> None:
        self._out, self._report = out, report
        self._runs: dict[str, tuple[Run, UnchangedGuests]] = {}

    def of(self, record: Record) -> tuple[Run, UnchangedGuests]:
        """Return the run with the guest's recorded options, and what knows its guests that stand.

        Raises ShimtoolError, naming report and option, for options that no run can have.
        """
        key = repr(sorted(record.options.items()))
        if key not in self._runs:
            try:
                settings = ConvertSettings.from_record(record.options, self._out)
                run = open_run(settings, self._report)
                self._runs[key] = run, UnchangedGuests(run, basis_of(run))
            except UsageError as error:
                raise ShimtoolError(_bad_option(record, error, self._out)) from None
        return self._runs[key]


def _bad_option(record: Record, error: UsageError, out: Path) -> Fault:
    field = error.option.removeprefix("--").replace("-", "_")
    (first,) = error.faults
    return Fault(
        f"the report holds an option of {record.name} that cannot be used:"
        f" options.{field}: {first.message.partition(': ')[2]}",
        Location(out / FILE_NAME),
        str(record.options.get(field, "")),
        f"convert {record.name} again, with the options of your choice",
    )


def _compared(record: Record, run: Run, unchanged: UnchangedGuests) -> GuestStatus:
    to = run.destination
    reasons = [Fault(why, code=Code.OUTPUT) for why in changed_outputs(record.outputs, to.folder)]
    if record.mode == Mode.HVM:
        reasons += coded(Code.OUTPUT, _script(to))
    config, crash = Path(record.config.here), None
    if not reasons and unchanged.knows(record):
        return GuestStatus(record, ())
    if config.exists():
        # They take 15 ms to load, and guests that stand need them not.
        from shimtool.commands.planning import plan_guest  # noqa: PLC0415
        from shimtool.commands.reading import read_guests  # noqa: PLC0415

        (read,) = read_guests([config], to.folder)
        outcome = read if isinstance(read, Refused) else plan_guest(run, read)
        reasons += _differences(record, outcome, to)
        crash = outcome.crash if isinstance(outcome, Refused) else None
    else:
        reasons.append(Fault(f"its config is gone: {config}", code=Code.FILE_MISSING))
    return GuestStatus(record, tuple(reasons), crash)


def _differences(record: Record, outcome: Outcome, to: Destination) -> Iterator[Fault]:
    """Say what convert would make otherwise today."""
    if isinstance(outcome, Refused):
        for each in outcome.faults:
            yield replace(each, message=f"cannot be converted any more: {each.message}")
        return
    changes = [Fault(what, code=code) for code, what in _changes(record, outcome)]
    yield from changes
    if not changes and record.fingerprint != fingerprint(outcome, to):
        message = "made by another shimtool, with other boot loader parts, or for another host"
        yield Fault(message, code=Code.PROGRAM_CHANGED)


def _script(to: Destination) -> Iterator[Fault]:
    try:
        same = has_content(to.folder / DEVICE_MODEL_SCRIPT, to.assets.device_model.read_bytes())
    except OSError as error:
        yield Fault(f"{DEVICE_MODEL_SCRIPT}: {error.strerror}")
    else:
        if not same:
            yield Fault(f"{DEVICE_MODEL_SCRIPT} is not the one of this shimtool")


def _changes(record: Record, planned: Planned) -> Iterator[tuple[Code, str]]:
    """Name the inputs that are not what they were."""
    plan = planned.plan
    if sha256(planned.parsed.config.data).hexdigest() != record.config.sha256:
        yield Code.CONFIG_CHANGED, f"config edited: {record.config.path}"
    if plan.guest.name != record.name:
        yield Code.CONFIG_CHANGED, f"the config now describes {plan.guest.name}"
    before = {each.path: each.sha256 for each in record.inputs}
    for file in plan.image.files:
        if file.dom0_path not in before:
            what = f"{file.dom0_path} is what it boots now, not {', '.join(before)}"
            yield Code.INPUT_CHANGED, what
        elif file.sha256 != before[file.dom0_path]:
            yield Code.INPUT_CHANGED, f"{file.dom0_path} was replaced"
    if plan.image.shim.sha256 != record.shim_sha256:
        yield Code.SHIM_CHANGED, f"shim {plan.image.shim.name} is at hand, this has {record.shim}"
    if plan.mode != record.mode:
        yield Code.HOST_CHANGED, f"this host would get {plan.mode} mode now, this is {record.mode}"
