"""The main job: planned guests become files, and shimtool.yaml says what was done."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from shimtool.assets import BOOT_FILES
from shimtool.drafts import Draft, Outcome, make_plan, new_config, read_drafts, refused
from shimtool.errors import ShimtoolError, fault
from shimtool.files import stamp_of
from shimtool.folders import find_configs
from shimtool.model import Mode, Plan, SourceFile
from shimtool.options import ConvertOptions
from shimtool.report import FILE_NAME, Input, Output, Record, Report, fingerprint, render
from shimtool.session import Session, open_session
from shimtool.write.files import locked, sweep, write_file
from shimtool.write.guest import Desk, write_device_model, write_guest
from shimtool.write.unpacked import Unpacked


def convert(configs: Sequence[Path], options: ConvertOptions) -> Iterator[Outcome]:
    """Convert guests, yielding each one's outcome as it is done, in the order of `configs`.

    Raises ShimtoolError only when the run as a whole cannot work; what is wrong with one guest
    is in its outcome. The report is written last, with all that was done so far also when
    stopped.
    """
    with locked(options.out):
        session = open_session(options)
        found = find_configs(configs, options.in_dir)
        desk = Desk(options.out, session.assets, Unpacked(options.out), options.in_place)
        records, kernels = dict(session.before.guests), dict(session.before.kernels)
        if options.in_place:
            for folder in {config.resolve().parent for config in found}:
                sweep(folder)
        drafts = list(read_drafts(found, options.out))
        try:
            for outcome, record in _results(drafts, session, desk, options.jobs):
                if record and outcome.plan:
                    records[record.name] = record
                    kernel = outcome.plan.image.payload.kernel
                    kernels[kernel.file.sha256] = kernel.facts
                yield outcome
        finally:
            write_file(options.out / FILE_NAME, render(Report(records, kernels)))


_Result = tuple[Outcome, Record | None]


def _results(
    drafts: Sequence[Outcome | Draft], session: Session, desk: Desk, jobs: int
) -> Iterator[_Result]:
    if jobs == 1:  # needs no threads, and stops at once on Ctrl-C
        yield from (_one(draft, session, desk) for draft in drafts)
        return
    pool = ThreadPoolExecutor(jobs)
    try:
        yield from pool.map(lambda draft: _one(draft, session, desk), drafts)
    finally:
        pool.shutdown(cancel_futures=True)


def _one(draft: Outcome | Draft, session: Session, desk: Desk) -> _Result:
    """Plan and write one guest; whatever is wrong with it becomes a refusal."""
    if isinstance(draft, Outcome):
        return draft, None
    outcome = make_plan(session, draft)
    if outcome.plan is None:
        return outcome, None
    try:
        return _written(outcome, outcome.plan, draft, session, desk)
    except ShimtoolError as error:
        return refused(outcome.config, error.faults, draft), None


def _written(outcome: Outcome, plan: Plan, draft: Draft, session: Session, desk: Desk) -> _Result:
    config = new_config(outcome)
    _refuse_overwriting(plan, desk)
    if plan.mode is Mode.HVM:
        write_device_model(desk)
    old, mark = session.before.guests.get(plan.guest.name), _fingerprint(plan, config, desk)
    if old and old.fingerprint == mark and not session.settings.force and _whole(old, desk.out):
        return replace(outcome, status="unchanged"), None
    written = write_guest(plan, config, draft.config.data, desk)
    record = Record(
        name=plan.guest.name,
        mode=plan.mode,
        shim=plan.image.shim.name,
        fingerprint=mark,
        config=_config_input(draft),
        inputs=tuple(map(Input.of, _sources(plan))),
        outputs=tuple(_output(path, desk.out) for path in written),
        warnings=plan.warnings,
    )
    _drop_iso(old, record, desk.out)
    return replace(outcome, status="converted"), record


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


def _fingerprint(plan: Plan, config: bytes, desk: Desk) -> str:
    """Hash all that decides a guest's outputs: its new config, its inputs, how they are packed."""
    image = plan.image
    loader = [(desk.assets.boot / name).read_bytes() for name in BOOT_FILES]
    return fingerprint(
        config,
        image.shim.sha256,
        image.shim_args,
        image.command_line,
        image.unpack,
        image.guard,
        desk.in_place,
        [file.sha256 for file in _sources(plan)],
        hashlib.sha256(b"".join(loader)).hexdigest(),
    )


def _sources(plan: Plan) -> list[SourceFile]:
    """Kernel and ramdisk as read."""
    ramdisk = plan.image.payload.ramdisk
    return [plan.image.payload.kernel.file, *([ramdisk.file] if ramdisk else [])]


def _whole(record: Record, out: Path) -> bool:
    """Whether the outputs are as they were written, by size and time."""
    try:
        return all(_output(out / output.path, out) == output for output in record.outputs)
    except OSError:
        return False


def _output(path: Path, out: Path) -> Output:
    shown = path.relative_to(out) if path.is_relative_to(out) else path
    return Output(str(shown), path.stat().st_size, path.stat().st_mtime_ns)


def _config_input(draft: Draft) -> Input:
    path, data = draft.guest.config, draft.config.data
    return Input(str(path), str(path), hashlib.sha256(data).hexdigest(), stamp_of(path.stat()))
