"""The main job: planned guests become files, and shimtool.yaml says what was done."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from shimtool.commands.outcomes import Converted, ParsedGuest, Planned, Refused, done_or_refused
from shimtool.commands.overwriting import refuse_overwriting
from shimtool.commands.planning import plan_guest, read_guests
from shimtool.commands.progress import NO_PROGRESS, Progress
from shimtool.commands.record import changed_outputs, fingerprint, make_record
from shimtool.commands.run import Run, open_run
from shimtool.commands.settings import ConvertSettings
from shimtool.configs.find import find_configs, paths
from shimtool.errors import os_errors_as_faults
from shimtool.model import KernelFacts, Mode
from shimtool.output.guest import write_device_model, write_guest
from shimtool.output.originals import sweep_folders_of
from shimtool.output.report import FILE_NAME, Record
from shimtool.output.report_file import check_size, write
from shimtool.system.halting import halt
from shimtool.system.staging import locked

_GRACE = 0.2  # seconds in which guests that are just finished still get into the report


def convert(
    configs: Sequence[Path], settings: ConvertSettings, progress: Progress = NO_PROGRESS
) -> Iterator[Converted | Refused]:
    """Convert guests, yielding each one's outcome as it is done, in the order of `configs`.

    Raises ShimtoolError only when the run as a whole cannot work; what is wrong with one guest
    is in its outcome. `progress` is told how far it is. The report is written last, with all
    that was done so far, also when stopped.
    """
    with locked(settings.out):
        run = open_run(settings)
        found = find_configs(configs, settings.in_dir, run.search_paths)
        if settings.in_place:
            sweep_folders_of(paths(found))
        guests = list(read_guests(found.configs, settings.out))
        progress.found(len(guests))
        work = _Work(run, progress)
        try:
            yield from _outcomes(guests, work, settings.jobs)
        finally:
            work.write_report()


class _Work:
    """Converts one guest when called, from any thread, and keeps what the report is to say."""

    def __init__(self, run: Run, progress: Progress) -> None:
        self._run, self._progress = run, progress
        self._records: dict[str, Record] = {}
        self._kernels: dict[str, KernelFacts] = {}
        self._mended = set[str]()

    def __call__(self, each: ParsedGuest | Refused) -> Converted | Refused:
        if isinstance(each, Refused):
            with self._progress.guest(each.config.name):
                return each
        with self._progress.guest(each.guest.name):
            outcome = _convert_one(self._run, each)
        if isinstance(outcome, Converted):
            self._keep(outcome)
        return outcome

    def _keep(self, done: Converted) -> None:
        payload = done.planned.plan.image.payload
        self._mended.add(done.record.name)
        if done.status == "converted":
            self._records[done.record.name] = done.record
        kernel = payload.kernel if payload else None
        if kernel and kernel.file.lasting:
            digest = kernel.file.sha256
            if self._run.before.kernels.get(digest) != kernel.facts:
                self._kernels[digest] = kernel.facts

    def write_report(self) -> None:
        """Add what was done in this run to the report, if that is anything."""
        before, out = self._run.before, self._run.destination.folder
        damaged = tuple(
            each for each in before.damaged if each.content and each.name not in self._mended
        )
        changed = self._records or self._kernels or damaged != before.damaged
        if changed or not (out / FILE_NAME).exists():
            write(before.updated(dict(self._records), dict(self._kernels), damaged), out)


def _outcomes(
    guests: Sequence[ParsedGuest | Refused], work: _Work, jobs: int
) -> Iterator[Converted | Refused]:
    if jobs == 1:  # needs no threads, and stops at once on Ctrl-C
        yield from map(work, guests)
        return
    from concurrent.futures import ThreadPoolExecutor, wait  # noqa: PLC0415 - takes 5 ms to load

    pool = ThreadPoolExecutor(jobs)
    futures = [pool.submit(work, each) for each in guests]
    try:
        for future in futures:
            yield future.result()
    except BaseException:  # Ctrl-C, or nobody wants the rest: what may take long is not waited for
        halt()
        pool.shutdown(wait=False, cancel_futures=True)
        wait([each for each in futures if each.running()], _GRACE)
        raise
    pool.shutdown()


def _convert_one(run: Run, parsed: ParsedGuest) -> Converted | Refused:
    """Plan and write one guest; whatever is wrong with it becomes its refusal."""
    planned = plan_guest(run, parsed)
    if isinstance(planned, Refused):
        return planned

    def work() -> Converted:
        with os_errors_as_faults("write there", run.destination.folder):
            return _written(run, planned)

    return done_or_refused(work, planned.config, parsed.guest)


def _written(run: Run, planned: Planned) -> Converted:
    plan, to = planned.plan, run.destination
    refuse_overwriting(planned, run)
    if plan.mode is Mode.HVM:
        write_device_model(to)
    old = run.before.guests.get(plan.guest.name)
    if old and not run.settings.force and _is_up_to_date(old, planned, run):
        return Converted(planned, old, "unchanged")
    written = write_guest(plan, planned.new_config, planned.parsed.config.data, to)
    record = make_record(planned, run, written)
    check_size(record, to.folder / FILE_NAME)
    _remove_old_iso(old, record, to.folder)
    return Converted(planned, record, "converted")


def _is_up_to_date(old: Record, planned: Planned, run: Run) -> bool:
    same = old.fingerprint == fingerprint(planned, run.destination)
    return same and not changed_outputs(old, run.destination.folder)


def _remove_old_iso(old: Record | None, new: Record, out: Path) -> None:
    """Remove the ISO of a guest that needs none any more."""
    names = {output.path for output in new.outputs}
    for output in old.outputs if old else ():
        if output.path == f"{new.name}.iso" and output.path not in names:
            (out / output.path).unlink(missing_ok=True)
