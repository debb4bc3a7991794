"""A shell inside a test guest (e2e=shell), by its own console: proof that it runs, and eyes in it.

shell.run("cat /proc/uptime") -> what that printed, its blanks and lines as single blanks
"""

import hashlib
import re
import secrets
import shlex
import time
from dataclasses import dataclass, field

from tests.e2e.environment import Running
from tests.e2e.nested_xen import NestedXenError

LIMIT = 120.0  # seconds of QEMU's CPU time for an answer
CHANGE = 30.0  # and for a change to be seen
# Linux stops here when a vCPU gets an event of a lock's holder, for which it did not wait.
BUG = "RIP: e030:dummy_handler"
_PROOF = "(cat /secret; echo {}) | sha256sum | cut -d ' ' -f 1"


class SilentError(NestedXenError):
    """The guest did not answer in its time."""


class StoppedError(NestedXenError):
    """The guest's kernel stopped at BUG."""


class UnseenError(NestedXenError):
    """The guest answers, but does not see what was waited for."""


@dataclass(slots=True)
class Shell:
    """Runs commands in the guest, whose ramdisk alone has this `secret`.

    answers: how many it gave since it was started
    starts: how often it was
    """

    guest: Running
    secret: str
    answers: int = field(default=0)
    starts: int = field(default=1)
    _console: str = field(default="")

    def run(self, command: str, limit: float = LIMIT) -> str:
        """Return what a command printed in the guest, which ran on since the last answer."""
        number = secrets.token_hex(8)
        self.type(f"{number} {command}")
        count, text = self._answer(number, limit)
        self.answers += 1
        assert count == self.answers, f"the guest was started anew: its answer {count}"
        return text

    def until(self, command: str, wanted: str, limit: float = CHANGE) -> None:
        """Repeat a command until it prints `wanted`."""
        allowed = self.guest.machine.limit(limit)
        while (seen := self.run(command)) != wanted:
            if allowed.is_over():
                said = f"{self.guest.name}: {command!r} printed {seen!r}, not {wanted!r}"
                raise UnseenError(said, self.guest.machine.logs)
            time.sleep(1)

    def prove(self) -> None:
        """Ask for a token that only this guest can tell."""
        asked = secrets.token_hex(8)
        told = self.run(_PROOF.format(asked))
        assert told == hashlib.sha256(f"{self.secret}\n{asked}\n".encode()).hexdigest()

    def moved(self) -> None:
        """Look for the console anew: the guest is another domain now."""
        self._console = ""

    def arrived(self, guest: Running) -> None:
        """Talk to the guest on another host, which has seen no start of it."""
        self.guest, self.starts = guest, 0
        self.moved()

    def started_anew(self) -> None:
        """Expect answers from the guest's next start."""
        self.moved()
        self.answers = 0
        self.starts += 1

    def type(self, line: str) -> None:
        """Type a line on the guest's console, as `xl console` would."""
        if not self._console:
            domain = self.guest.xl(f"domid {self.guest.name}").strip()
            path = f"/local/domain/{domain}/console/tty"
            gone = f"! xl domname {domain} > /dev/null 2>&1"
            look = f"until xenstore-read {path} 2> /dev/null || {gone}; do sleep 1; done"
            self._console = self.guest.machine.run(look).text.strip()
            assert self._console, f"{self.guest.name} is gone"
        done = self.guest.machine.run(f"printf '%s\\n' {shlex.quote(line)} > {self._console}")
        assert done.code == 0, f"nothing can be written to {self.guest.name}: {done.text}"

    def _answer(self, number: str, limit: float) -> tuple[int, str]:
        """Wait for the answer that bears a number, or until the kernel has stopped."""
        allowed = self.guest.machine.limit(limit)
        logs = f"/run/console/guest-{self.guest.name}*.log"
        look = f"grep -ah -e 'E2E answer {number}' -e '{BUG}' {logs}"
        while not (text := self.guest.machine.run(look).text):
            if allowed.is_over():
                self.guest.console()  # kept with the logs
                said = f"{self.guest.name} does not answer in {allowed.used():.0f} s of CPU time"
                raise SilentError(said, self.guest.machine.logs)
            time.sleep(1)
        if BUG in text:
            raise StoppedError(f"{self.guest.name} stopped: {text}", self.guest.machine.logs)
        found = re.match(rf"E2E answer {number} (\d+) ?(.*)$", text.replace("\r", "").strip())
        assert found, text
        return int(found[1]), found[2]
