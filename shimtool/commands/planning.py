"""Planning of all guests: one bad guest never stops the others.

ParsedGuest --plan_guest--> Planned | Refused
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from shimtool.commands.outcomes import Outcome, ParsedGuest, Planned, Refused, done_or_refused
from shimtool.commands.reading import read_guests
from shimtool.commands.run import Run
from shimtool.configs.find import Unusable
from shimtool.errors import Code, ShimtoolError, faults_coded, os_errors_as_faults
from shimtool.model import Guest, Payload
from shimtool.payload.gather import gather
from shimtool.plan import bootloader
from shimtool.plan.plan import payload_independent_faults, plan
from shimtool.plan.refusals import not_pv


def plan_guests(configs: Iterable[Path | Unusable], run: Run) -> Iterator[Outcome]:
    """Plan every config, one outcome each, in order."""
    for each in read_guests(configs, run.destination.folder):
        yield each if isinstance(each, Refused) else plan_guest(run, each)


def plan_guest(run: Run, parsed: ParsedGuest) -> Outcome:
    """Find the guest's files, plan, and render its new config; a refusal has every reason."""
    guest = parsed.guest

    def work() -> Planned:
        with faults_coded(Code.KERNEL), os_errors_as_faults("read", guest.config):
            payload = _gathered(run, guest)
        planned = plan(guest, payload, run.shim, run.host, run.settings)
        return Planned(parsed, planned, parsed.config.converted(planned))

    return done_or_refused(work, guest.config, guest)


def _gathered(run: Run, guest: Guest) -> Payload | None:
    """Find the guest's files; when some are missing, say what else is wrong with it too.

    None where its own boot loader stays.
    """
    if fault := not_pv(guest, run.host):
        raise ShimtoolError(fault)
    if bootloader.stays(guest, run.host, run.settings):
        return None
    try:
        return gather(guest, run.search_paths, run.inputs, run.destination.assets, run.settings)
    except ShimtoolError as error:
        others = payload_independent_faults(guest, run.host, run.shim, run.settings)
        told = {(fault.message, fault.where) for fault in others}
        more = [fault for fault in error.faults if (fault.message, fault.where) not in told]
        raise ShimtoolError(*others, *more) from None
