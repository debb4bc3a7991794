"""The main job: planned guests become files, and shimtool.yaml says what was done."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from shimtool.commands.planning import (
    Outcome,
    ParsedGuest,
    make_plan,
    new_config,
    read_guests,
    refused,
)
from shimtool.commands.progress import NO_PROGRESS, Progress
from shimtool.commands.record import changed_outputs, fingerprint, make_record
from shimtool.commands.run import Session, open_session
from shimtool.commands.settings import ConvertOptions
from shimtool.configs.find import find_configs, paths
from shimtool.errors import ShimtoolError, fault, os_errors_as_faults
from shimtool.model import Mode, Plan
from shimtool.output.guest import Desk, write_device_model, write_guest
from shimtool.output.report import FILE_NAME, Record, Report, render
from shimtool.output.unpacked import UnpackedKernels
from shimtool.system.staging import locked, sweep, write_file


def convert(
    configs: Sequence[Path], options: ConvertOptions, watch: Progress = NO_PROGRESS
) -> Iterator[Outcome]:
    """Convert guests, yielding each one's outcome as it is done, in the order of `configs`.

    Raises ShimtoolError only when the run as a whole cannot work; what is wrong with one guest
    is in its outcome. `watch` is told how far it is. The report is written last, with all that
    was done so far also when stopped.
    """
    with locked(options.out):
        session = open_session(options)
        found = find_configs(configs, options.in_dir, session.roots)
        desk = Desk(options.out, session.assets, UnpackedKernels(options.out), options)
        records, kernels = dict(session.before.guests), dict(session.before.kernels)
        if options.in_place:
            for folder in {config.resolve().parent for config in paths(found)}:
                sweep(folder)
        drafts = list(read_guests(found.configs, options.out))
        watch.found(len(drafts))
        try:
            for outcome, record in _results(drafts, session, desk, watch):
                if record and outcome.plan:
                    records[record.name] = record
                    kernel = outcome.plan.image.payload.kernel
                    kernels[kernel.file.sha256] = kernel.facts
                yield outcome
        finally:
            _write_report(Report(records, kernels), session.before, options.out)


def _write_report(report: Report, before: Report, out: Path) -> None:
    if report != before or not (out / FILE_NAME).exists():
        write_file(out / FILE_NAME, render(report))


_Result = tuple[Outcome, Record | None]


def _results(
    drafts: Sequence[Outcome | ParsedGuest], session: Session, desk: Desk, watch: Progress
) -> Iterator[_Result]:
    def one(draft: Outcome | ParsedGuest) -> _Result:
        with watch.guest(_label(draft)):
            return _convert_one(draft, session, desk)

    jobs = desk.options.jobs
    if jobs == 1:  # needs no threads, and stops at once on Ctrl-C
        yield from map(one, drafts)
        return
    pool = ThreadPoolExecutor(jobs)
    try:
        yield from pool.map(one, drafts)
    finally:
        pool.shutdown(cancel_futures=True)


def _label(draft: Outcome | ParsedGuest) -> str:
    return draft.guest.name if isinstance(draft, ParsedGuest) else draft.config.name


def _convert_one(draft: Outcome | ParsedGuest, session: Session, desk: Desk) -> _Result:
    """Plan and write one guest; whatever is wrong with it becomes a refusal."""
    if isinstance(draft, Outcome):
        return draft, None
    outcome = make_plan(session, draft)
    if outcome.plan is None:
        return outcome, None
    try:
        with os_errors_as_faults("write there", desk.out):
            return _written(outcome, outcome.plan, draft, session, desk)
    except ShimtoolError as error:
        return refused(outcome.config, error.faults, draft), None


def _written(
    outcome: Outcome, plan: Plan, draft: ParsedGuest, session: Session, desk: Desk
) -> _Result:
    _refuse_overwriting(plan, desk)
    if plan.mode is Mode.HVM:
        write_device_model(desk)
    old = session.before.guests.get(plan.guest.name)
    if old and not session.settings.force and _is_up_to_date(old, outcome, desk):
        return replace(outcome, status="unchanged"), None
    written = write_guest(plan, new_config(outcome), draft.config.data, desk)
    record = make_record(outcome, desk, written)
    _drop_iso(old, record, desk.out)
    return replace(outcome, status="converted"), record


def _is_up_to_date(old: Record, outcome: Outcome, desk: Desk) -> bool:
    return old.fingerprint == fingerprint(outcome, desk) and not changed_outputs(old, desk.out)


def _refuse_overwriting(plan: Plan, desk: Desk) -> None:
    """Outputs must not take the place of the guest's own config, except when asked to."""
    config = plan.guest.config.resolve()
    if config in [(desk.out / name).resolve() for name in plan.files]:
        raise fault(
            "--out holds the guest's own config, which would be overwritten",
            plan.guest.config,
            remedy="give another --out, or --in-place to edit the config and keep the original",
        )


def _drop_iso(old: Record | None, new: Record, out: Path) -> None:
    """Remove the ISO of a guest that needs none any more."""
    names = {output.path for output in new.outputs}
    for output in old.outputs if old else ():
        if output.path == f"{new.name}.iso" and output.path not in names:
            (out / output.path).unlink(missing_ok=True)
