"""One test's workplace: guests' files, conversion by the real command, boots in a nested dom0.

files -> etc/NAME.cfg --convert--> out/NAME.cfg --boot--> Running guest
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.e2e.command import Program, shimtool
from tests.e2e.guest_report import GuestReport, starts
from tests.e2e.guests import Files
from tests.e2e.host import Release, host
from tests.e2e.nested_xen import Kept, Machine, NestedXenError, SilentHostError, machine
from tests.e2e.table import Row

# A guest needs 40-90 s of QEMU's CPU time to come up, whatever else the machine does.
CPU_LIMIT = 300.0
# Once in a while it comes to stand still instead (seen under TCG: blocked, nothing pending, and run
# for 0.1 s in half an hour, or for 0.1 s in a minute, though it takes events). An idle QEMU takes
# 10 s a minute: in so many seconds of that, a guest that goes on has run for so many.
STILL_LIMIT, STILL_RUN = 60.0, 1.0
ATTEMPTS = 2
NATIVE = "pv"  # the mode of a guest that is not converted, to compare with
# What dom0 and Xen know of a guest that goes on no more, into dom0.log: is dom0's request still in
# XenStore, do its vCPUs run (q), has it events that it did not take (e), does it act on another
# request (a sysrq that it took is gone from XenStore), has dom0 made its devices?
WHY = """xl list -v; ps; xenstore-ls -f /local/domain/0/backend; cat /var/log/xen/*{0}*
folder=/local/domain/$(xl domid {0})
xenstore-ls -f $folder
xl vcpu-list {0}; xl debug-keys q; xl debug-keys e; sleep 1
xl vcpu-list {0}; xl sysrq {0} h; sleep 5; xenstore-ls $folder/control
xl dmesg | tail -n 150"""


class StalledError(NestedXenError):
    """A guest did not get there in its time: once in a while TCG's fault, so tried again."""


@dataclass(frozen=True, slots=True)
class Running:
    """A guest that has been created in dom0."""

    name: str
    machine: Machine

    def console(self) -> str:
        """Return all that the guest's PV console has shown; keep it in NAME.console.log."""
        log = f"/run/console/guest-{self.name}.log"
        arrived = f"/run/console/guest-{self.name}--incoming.log"  # its name while it migrates
        text = self.machine.run(f"cat {log} {arrived} 2> /dev/null").text
        path = self.machine.logs / f"{self.name}.console.log"
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        return text

    def xl(self, command: str, limit: float = 300) -> str:
        """Run an xl command in dom0, which must succeed; return what it said."""
        done = self.machine.run(f"xl {command}", limit)
        if done.code:
            raise NestedXenError(f"xl {command} failed: {done.text}", self.machine.logs)
        return done.text

    def starts(self) -> list[GuestReport]:
        """Return what each start of the guest has told so far."""
        return starts(self.console())

    def exists(self) -> bool:
        """Whether the guest is there or will be again.

        `xl create` leaves a daemon that restarts the guest, and ends when it is gone for good.
        """
        return self.machine.run("pgrep -x xl").code == 0

    def time_run(self) -> float | None:
        """Return how many seconds the guest has run, as dom0 says; None if it is not there."""
        listed = self.machine.run(f"xl list {self.name}")
        return None if listed.code else float(listed.text.split()[-1])

    def wait_start(self, number: int = 1) -> GuestReport:
        """Wait for the token of the guest's start `number`; return what it told."""
        allowed = self.machine.limit(CPU_LIMIT)
        moved, gone, look = 0.0, False, 0
        ran: float | None = None
        while True:
            look += 1
            if look % 5 == 0:
                gone = not self.exists()
                now = self.time_run()
                if now is None or ran is None or not 0 <= now - ran < STILL_RUN:
                    moved, ran = allowed.used(), now
            found = self.starts()
            if len(found) >= number and found[number - 1].ready:
                return found[number - 1]
            if gone:
                raise NestedXenError(f"{self.name} ended without a token", self.machine.logs)
            still = ran is not None and allowed.used() - moved > STILL_LIMIT
            if allowed.is_over() or still:
                self._tell_why()
                said = f"{self.name}: no token from start {number}"
                used = f"in {allowed.used():.0f} s of CPU time, of which it ran {ran} s"
                raise StalledError(f"{said} {used}", self.machine.logs)
            time.sleep(2)  # each look costs the nested machine time

    def wait_told(self, key: str, values: list[str], limit: float = 240) -> None:
        """Wait until all that the guest told under `key` is `values`, in `limit` s of CPU time."""
        allowed = self.machine.limit(limit)
        while (told := self.starts()[-1].all(key)) != values:
            if allowed.is_over():
                raise NestedXenError(f"{self.name} told {key} {told}", self.machine.logs)
            time.sleep(2)

    def wait_gone(self, limit: float = 180) -> None:
        """Wait until dom0 has no such guest any more; `limit` is seconds of CPU time."""
        allowed = self.machine.limit(limit)
        while self.exists():
            if allowed.is_over():
                self._tell_why()
                raise NestedXenError(f"{self.name} is still there", self.machine.logs)
            time.sleep(1)

    def _tell_why(self) -> None:
        """Keep with the logs what may tell why the guest goes on no more, if dom0 does."""
        with contextlib.suppress(NestedXenError):
            self.console()
            self.machine.run(WHY.format(self.name), 120)

    def plain_console(self, until: str) -> str:
        """Return what an admin sees at `xl console NAME` until `until` is there, no more said."""
        return self.machine.run(
            f"tail -f /dev/null | xl console {self.name} > /run/seen & "
            f"until grep -q {until} /run/seen; do sleep 1; done; kill $!; cat /run/seen"
        ).text


@dataclass(slots=True)
class Environment:
    """What a test works with."""

    release: Release
    mode: str
    assets: Path
    files: Files
    logs: Path
    row: Row
    machines: int = field(default=0)

    def convert(self, name: str, config: str, *options: str, program: Program | None = None) -> str:
        """Convert a guest by the real command, or `program`; return its new config's dom0 path."""
        home = self.files.home
        done = (program or partial(shimtool, self.assets))(
            *("convert", "--in", home / "etc", "--out", home / "out"),
            *("--host-out", "/guest/out", "--map", f"/guest={home}"),
            *("--xen", self.release.xen, "--mode", self.mode),
            *options,
            self.files.config(name, config),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return f"/guest/out/{name}.cfg"

    def configured(self, name: str, config: str) -> str:
        """Convert a guest, unless it is to stay PV; return the dom0 path of what starts it."""
        if self.mode != NATIVE:
            return self.convert(name, config)
        self.files.config(name, config)
        return f"/guest/etc/{name}.cfg"

    def restore(self, name: str) -> None:
        """Undo --in-place by the real command."""
        home = self.files.home
        done = shimtool(
            *(self.assets, "restore", "--in", home / "etc", "--out", home / "out"),
            home / "etc" / f"{name}.cfg",
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @contextlib.contextmanager
    def dom0(self) -> Iterator[Machine]:
        """Run a host with these files at /guest."""
        with machine(host(self.release), self.kept()) as made:
            yield made

    def kept(self) -> Kept:
        """Return where the next host's logs stay, and that these files are its /guest."""
        self.machines += 1
        return Kept(self.logs / f"host-{self.machines}", self.files.home)

    @contextlib.contextmanager
    def boot(
        self,
        name: str,
        config: str,
        prepare: str = "true",
        start: int = 1,
        fresh: Callable[[], AbstractContextManager[Machine]] | None = None,
    ) -> Iterator[Running]:
        """`xl create` a guest in a fresh dom0, after the script `prepare`, and await its token.

        A stalled boot is tried once more, and counted in the table.
        """
        with contextlib.ExitStack() as stack:
            for attempt in range(1, ATTEMPTS + 1):
                dom0 = stack.enter_context((fresh or self.dom0)())
                try:
                    guest = create(dom0, name, config, prepare)
                    started = time.monotonic()
                    guest.wait_start(start)
                    self.row.seen(time.monotonic() - started)
                    break
                except (StalledError, SilentHostError):
                    if attempt == ATTEMPTS:
                        raise
                    self.row.retried()
                    stack.close()
            yield guest


def create(dom0: Machine, name: str, config: str, prepare: str = "true") -> Running:
    """`xl create` a guest, after the script `prepare`."""
    ready = dom0.run(prepare, 300)
    assert ready.code == 0, ready.text
    created = dom0.run(f"xl create {config}", 300)
    if created.code:
        dom0.run(f"cat /var/log/xen/*{name}* /var/log/xen/xl.log")
        # libxl gives its scripts seconds of the wall clock, which a busy machine does not keep.
        failure = StalledError if "async_exec_timeout" in created.text else NestedXenError
        raise failure(f"xl create failed: {created.text}", dom0.logs)
    return Running(name, dom0)


def loops(*disks: str) -> str:
    """Return a script that makes /dev/loop0, /dev/loop1 ... of files in dom0, in this order."""
    made = [f"losetup /dev/loop{i} {disk}" for i, disk in enumerate(disks)]
    return " && ".join(made)
