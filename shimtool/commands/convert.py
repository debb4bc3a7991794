"""The main job: planned guests become files, and shimtool.yaml says what was done."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from shimtool.commands.outcomes import (
    Converted,
    ParsedGuest,
    Planned,
    Refused,
    Unchanged,
    done_or_refused,
)
from shimtool.commands.overwriting import refuse_overwriting
from shimtool.commands.progress import NO_PROGRESS, Progress
from shimtool.commands.reading import read_changed, read_guests
from shimtool.commands.record import changed_outputs, fingerprint, make_record, renewed
from shimtool.commands.run import Run, open_run
from shimtool.commands.settings import ConvertSettings
from shimtool.commands.unchanged import UnchangedGuests, basis_for, basis_of, now
from shimtool.configs.find import find_configs, paths
from shimtool.errors import os_errors_as_faults
from shimtool.model import KernelFacts, Mode, Shim
from shimtool.output.guest import write_device_model, write_guest, write_guests
from shimtool.output.originals import sweep_folders_of
from shimtool.output.report import FILE_NAME, Record
from shimtool.output.report_file import encoded, write
from shimtool.payload.inputs import OnceCache
from shimtool.shims.catalogue import verify
from shimtool.system.halting import halt, leave_signals
from shimtool.system.staging import locked

_GRACE = 0.2  # seconds in which guests that are just finished still get into the report
_TOGETHER = 64  # guests whose files are brought to disk together

Read = ParsedGuest | Unchanged | Refused
Done = Converted | Unchanged | Refused
Kind = TypeVar("Kind")


def convert(
    configs: Sequence[Path],
    settings: ConvertSettings,
    progress: Progress = NO_PROGRESS,
    *,
    in_full: bool = True,
) -> Iterator[Done]:
    """Convert guests, yielding each one's outcome when it is done, in the order of `configs`.

    Raises ShimtoolError only when the run as a whole cannot work; what is wrong with one guest
    is in its outcome. `progress` is told how far it is. The report is written last, with all
    that was done so far, also when stopped. With `in_full` guests that stand are planned, too,
    and none is Unchanged.
    """
    with locked(settings.out):
        begun = now()
        run = open_run(settings)
        found = find_configs(configs, settings.in_dir, run.search_paths)
        if settings.in_place:
            sweep_folders_of(paths(found))
        basis = basis_of(run) if found.configs else ""
        guests: Iterator[Read] = (
            read_guests(found.configs, settings.out)
            if in_full
            else read_changed(found.configs, settings.out, UnchangedGuests(run, basis))
        )
        number = len(found.configs)
        progress.found(number)
        work = _Work(run, progress, basis, begun)
        try:
            yield from _outcomes(guests, number, work, settings.at_a_time)
        finally:
            work.write_report()


class _Work:
    """Converts guests when called, from any thread, and keeps what the report is to say."""

    def __init__(self, run: Run, progress: Progress, basis: str, begun: int) -> None:
        self._run, self._progress = run, progress
        self._basis, self._begun = basis, begun
        self._records: dict[str, bytes] = {}
        self._kernels: dict[str, KernelFacts] = {}
        self._mended = set[str]()
        self._verified = OnceCache[Shim, None]()

    def __call__(self, guests: Sequence[Read]) -> list[Done]:
        begun = [self._begin(each) for each in guests]
        waiting = [each for each in begun if isinstance(each, Planned)]
        written = iter(self._write_together(waiting))
        done = [next(written) if isinstance(each, Planned) else each for each in begun]
        for each in done:
            if isinstance(each, Converted):
                self._keep(each)
        return done

    def _begin(self, each: Read) -> Planned | Done:
        """Plan a guest; return it planned where others can be written with it, else done."""
        if not isinstance(each, ParsedGuest):
            with self._progress.guest(each.config.name):
                return each
        with self._progress.guest(each.guest.name):
            from shimtool.commands.planning import plan_guest  # noqa: PLC0415 - takes 15 ms

            # The whole run's fault. It takes 15 ms, and nothing is made of it where guests stand.
            self._verified.get(self._run.shim, lambda: verify(self._run.shim))
            planned = plan_guest(self._run, each)
            if isinstance(planned, Refused):
                return planned
            return self._guarded(planned, lambda: self._check(planned))

    def _guarded(self, planned: Planned, work: Callable[[], Kind]) -> Kind | Refused:
        def guarded() -> Kind:
            with os_errors_as_faults("write there", self._run.destination.folder):
                return work()

        return done_or_refused(guarded, planned.config, planned.parsed.guest)

    def _check(self, planned: Planned) -> Planned | Converted:
        """Return a guest that stands, or is large, as done."""
        run = self._run
        old = run.before.guests.get(planned.plan.guest.name)
        refuse_overwriting(planned, run, old)
        if planned.plan.mode is Mode.HVM:
            write_device_model(run.destination)
        if old and not run.settings.force and _is_up_to_date(old, planned, run):
            return Converted(planned, renewed(old, planned, self._basis_for(planned)), "unchanged")
        large = planned.plan.on_iso is not None
        return self._write(planned) if large or run.destination.in_place else planned

    def _write_together(self, guests: Sequence[Planned]) -> list[Done]:
        files = [(each.plan, each.new_config) for each in guests]
        try:
            written = write_guests(files, self._run.destination)
        except Exception:  # noqa: BLE001 - whose fault it is, each alone will tell
            return [self._guarded(each, partial(self._write, each)) for each in guests]
        return [
            self._guarded(each, partial(self._recorded, each, paths))
            for each, paths in zip(guests, written, strict=True)
        ]

    def _write(self, planned: Planned) -> Converted:
        """Write one guest by itself."""
        data = planned.parsed.config.data
        written = write_guest(planned.plan, planned.new_config, data, self._run.destination)
        return self._recorded(planned, written)

    def _recorded(self, planned: Planned, written: Sequence[Path]) -> Converted:
        """Describe a guest whose files are there, `written`."""
        run, out = self._run, self._run.destination.folder
        record = make_record(planned, run, written, self._basis_for(planned))
        text = encoded(record, out / FILE_NAME)
        _remove_old_iso(run.before.guests.get(record.name), record, out)
        self._records[record.name] = text
        return Converted(planned, record, "converted")

    def _basis_for(self, planned: Planned) -> str | None:
        """Return none for a config that this run edits: the next would find it changed."""
        edits = self._run.destination.in_place
        return None if edits else basis_for(planned, self._basis, self._begun)

    def _keep(self, done: Converted) -> None:
        name, payload = done.record.name, done.planned.plan.image.payload
        self._mended.add(name)
        before, out = self._run.before, self._run.destination.folder
        if done.status == "unchanged" and before.guests.get(name) != done.record:
            self._records[name] = encoded(done.record, out / FILE_NAME)
        kernel = payload.kernel if payload else None
        if kernel and kernel.file.lasting:
            digest = kernel.file.sha256
            if before.kernels.get(digest) != kernel.facts:
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


def _outcomes(guests: Iterator[Read], number: int, work: _Work, jobs: int) -> Iterator[Done]:
    """Work on all guests, some together; only a few of these wait for their turn at a time."""
    jobs = min(jobs, number)
    batches = _batches(guests, max(1, min(_TOGETHER, number // (2 * max(jobs, 1)))))
    if jobs <= 1:  # needs no threads, and stops at once on Ctrl-C
        for batch in batches:
            yield from work(batch)
        return
    from concurrent.futures import Future, ThreadPoolExecutor, wait  # noqa: PLC0415 - takes 5 ms

    pool = ThreadPoolExecutor(jobs, initializer=leave_signals)
    futures: deque[Future[list[Done]]] = deque()
    try:
        for batch in batches:
            futures.append(pool.submit(work, batch))
            if len(futures) > 2 * jobs:
                yield from futures.popleft().result()
        while futures:
            yield from futures.popleft().result()
    except BaseException:  # Ctrl-C, or nobody wants the rest: what may take long is not waited for
        halt()
        pool.shutdown(wait=False, cancel_futures=True)
        wait([each for each in futures if each.running()], _GRACE)
        raise
    pool.shutdown()


def _batches(guests: Iterator[Read], size: int) -> Iterator[list[Read]]:
    while batch := list(islice(guests, size)):
        yield batch


def _is_up_to_date(old: Record, planned: Planned, run: Run) -> bool:
    same = old.fingerprint == fingerprint(planned, run.destination)
    return same and not changed_outputs(old.outputs, run.destination.folder)


def _remove_old_iso(old: Record | None, new: Record, out: Path) -> None:
    """Remove the ISO of a guest that needs none any more."""
    names = {output.path for output in new.outputs}
    for output in old.outputs if old else ():
        if output.path == f"{new.name}.iso" and output.path not in names:
            (out / output.path).unlink(missing_ok=True)
