"""Planning as the commands do it, for tests: a run for one dom0, and what becomes of one config."""

import re
from dataclasses import replace
from pathlib import Path

from shimtool import text
from shimtool.commands.outcomes import Planned, Refused
from shimtool.commands.planning import plan_guests
from shimtool.commands.run import Run, open_run
from shimtool.commands.settings import GuestSettings
from shimtool.errors import ShimtoolError
from tests.support.dom0 import Dom0


def run_on(dom0: Dom0, settings: GuestSettings) -> Run:
    """Return a run whose guests are planned for this dom0: its /boot and --out are added."""
    maps = [f"/boot={dom0.boot}", *(settings.map or [])]
    return open_run(replace(settings, map=maps, out=dom0.out))


def outcome_of(config: Path, run: Run) -> Planned | Refused:
    """Plan one guest."""
    (outcome,) = plan_guests([config], run)
    return outcome


def planned(config: Path, run: Run) -> Planned:
    """Plan a guest that must not be refused."""
    outcome = outcome_of(config, run)
    assert isinstance(outcome, Planned), outcome
    return outcome


def without_hashes(config: bytes) -> bytes:
    """Leave out the hashes in files' names: those of Debian's shim and GRUB get updates."""
    return re.sub(rb"(xen-shim|pvgrub|kernel)-[0-9a-f]{16}", rb"\1-HASH", config)


def refusal_text(refused: Refused, dom0: Dom0) -> bytes:
    """Return what is printed, without the folders of this machine that hold dom0's files."""
    printed = text.error(ShimtoolError(*refused.faults))
    for folder, name in ((refused.config.parent, ""), (dom0.root, "HERE")):
        printed = printed.replace(str(folder), name)
    return f"{printed}\n".encode()
