"""The two connections to a nested host: QEMU's own monitor, and the agent in dom0.

Limits are seconds of QEMU's CPU time.
"""

import base64
import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.cpu_limit import CpuLimit

_LOOK = 1.0  # seconds between two looks at a limit while nothing arrives


class NoAnswerError(Exception):
    """The other end did not answer within its limit, or is gone."""


class Lines:
    """Lines over a Unix socket of the process `pid`, each read with a limit."""

    def __init__(self, path: Path, pid: int, limit: float = 20) -> None:
        """Connect; QEMU makes the socket when it starts, so try until it has used `limit`."""
        self.pid = pid
        self._socket = socket.socket(socket.AF_UNIX)
        self._pending = b""
        allowed = CpuLimit(pid, limit)
        while True:
            try:
                self._socket.connect(str(path))
                self._socket.settimeout(_LOOK)
                return
            except OSError as error:
                if allowed.is_over():
                    raise NoAnswerError(f"no socket {path.name}: {error}") from None
                time.sleep(0.1)

    def send(self, line: bytes) -> None:
        try:
            self._socket.sendall(line + b"\n")
        except OSError as error:
            raise NoAnswerError(f"cannot send: {error}") from None

    def receive(self, allowed: CpuLimit) -> bytes:
        """Return the next line; NoAnswerError beyond the limit or at the end of the stream."""
        while (line := self.receive_now()) is None:
            if allowed.is_over():
                raise NoAnswerError(f"no answer in {allowed.used():.0f} s of CPU time")
        return line

    def receive_now(self) -> bytes | None:
        """Return the next line if one comes within _LOOK; NoAnswerError at the stream's end."""
        while b"\n" not in self._pending:
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError as error:
                raise NoAnswerError(f"cannot receive: {error}") from None
            if not data:
                raise NoAnswerError("QEMU is gone")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line


class Monitor:
    """QEMU's QMP monitor."""

    def __init__(self, path: Path, pid: int) -> None:
        self._lines = Lines(path, pid)
        self._lines.receive(CpuLimit(pid, 20))  # the greeting
        self.ask("qmp_capabilities")

    def ask(self, command: str, **arguments: object) -> Any:  # noqa: ANN401 - QMP's JSON
        """Send one command and return what QEMU says; events are passed over."""
        self._lines.send(json.dumps({"execute": command, "arguments": arguments}).encode())
        allowed = CpuLimit(self._lines.pid, 60)
        while True:
            reply = json.loads(self._lines.receive(allowed))
            if "error" in reply:
                raise NoAnswerError(f"QEMU refused {command}: {reply['error']}")
            if "return" in reply:
                return reply["return"]

    def save(self, path: Path, limit: float = 120) -> None:
        """Write the machine's state to `path`, a migration stream."""
        self.ask("stop")  # one of the streams saved while running crashed when resumed
        self.ask("migrate-set-parameters", **{"max-bandwidth": 10 << 30})
        self.ask("migrate", uri=f"exec:cat > '{path}'")
        allowed = CpuLimit(self._lines.pid, limit)
        while (state := self.ask("query-migrate").get("status")) != "completed":
            if state == "failed" or allowed.is_over():
                raise NoAnswerError(f"snapshot not made: {state}")
            time.sleep(0.2)

    def resume(self, limit: float = 60) -> None:
        """Let a machine that was started from a saved state go on, once that is read."""
        allowed = CpuLimit(self._lines.pid, limit)
        while self.ask("query-status")["status"] == "inmigrate":
            if allowed.is_over():
                raise NoAnswerError(f"snapshot not read in {limit:g} s of CPU time")
            time.sleep(0.1)
        self.ask("cont")


@dataclass(frozen=True, slots=True)
class Output:
    """What a script in dom0 did: its exit code, and its output and errors as one text."""

    code: int
    text: str


class Agent:
    """Runs scripts in dom0."""

    def __init__(self, path: Path, pid: int) -> None:
        self._lines = Lines(path, pid)
        self._count = 0

    def greet(self, limit: float) -> None:
        """Wait until dom0 answers; what is sent before a snapshot is loaded gets lost."""
        allowed = CpuLimit(self._lines.pid, limit)
        number = self._ask("true")
        looks = 0
        while self._answer(self._lines.receive_now(), number) is None:
            if allowed.is_over():
                raise NoAnswerError(f"no answer in {allowed.used():.0f} s of CPU time")
            looks += 1
            if looks % 2 == 0:
                number = self._ask("true")

    def run(self, script: str, limit: float) -> Output:
        """Run a shell script in dom0, one at a time."""
        allowed = CpuLimit(self._lines.pid, limit)
        number = self._ask(script)
        while (output := self._answer(self._lines.receive(allowed), number)) is None:
            pass
        return output

    def _ask(self, script: str) -> bytes:
        """Send a script; return the number that its answer will bear."""
        self._count += 1
        number = str(self._count).encode()
        self._lines.send(number + b" " + base64.b64encode(script.encode()))
        return number

    @staticmethod
    def _answer(line: bytes | None, number: bytes) -> Output | None:
        """Read an answer; None when there is none, or it is to an earlier question."""
        head, _, rest = (line or b"").partition(b" ")
        if head != number:
            return None
        code, _, text = rest.partition(b" ")
        return Output(int(code), base64.b64decode(text).decode(errors="backslashreplace"))
