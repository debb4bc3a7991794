"""The two wires to a nested host: QEMU's own monitor, and the agent in dom0."""

import base64
import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class NoAnswerError(Exception):
    """The other end did not answer in time, or is gone."""


class Lines:
    """Lines over a Unix socket, each read with a deadline."""

    def __init__(self, path: Path, limit: float = 20) -> None:
        """Connect; QEMU makes the socket when it starts, so try for `limit` seconds."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._pending = b""
        end = time.monotonic() + limit
        while True:
            try:
                self._socket.connect(str(path))
                return
            except OSError as error:
                if time.monotonic() > end:
                    raise NoAnswerError(f"no socket {path.name}: {error}") from None
                time.sleep(0.1)

    def send(self, line: bytes) -> None:
        try:
            self._socket.sendall(line + b"\n")
        except OSError as error:
            raise NoAnswerError(f"cannot send: {error}") from None

    def receive(self, limit: float) -> bytes:
        """Return the next line; NoAnswerError after `limit` seconds or at the end of the stream."""
        end = time.monotonic() + limit
        while b"\n" not in self._pending:
            self._socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self._socket.recv(1 << 16)
            except OSError as error:
                raise NoAnswerError(f"no answer within {limit:g} s ({error})") from None
            if not data:
                raise NoAnswerError("QEMU is gone")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line


class Monitor:
    """QEMU's QMP monitor."""

    def __init__(self, path: Path) -> None:
        self._lines = Lines(path)
        self._lines.receive(20)  # the greeting
        self.ask("qmp_capabilities")

    def ask(self, command: str, **arguments: object) -> Any:  # noqa: ANN401 - QMP's JSON
        """Send one command and return what QEMU says; events are passed over."""
        self._lines.send(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            reply = json.loads(self._lines.receive(60))
            if "error" in reply:
                raise NoAnswerError(f"QEMU refused {command}: {reply['error']}")
            if "return" in reply:
                return reply["return"]

    def save(self, path: Path, limit: float = 120) -> None:
        """Write the machine's state to `path`, a migration stream."""
        self.ask("stop")  # one of the streams saved while running crashed when resumed
        self.ask("migrate-set-parameters", **{"max-bandwidth": 10 << 30})
        self.ask("migrate", uri=f"exec:cat > '{path}'")
        end = time.monotonic() + limit
        while (state := self.ask("query-migrate").get("status")) != "completed":
            if state == "failed" or time.monotonic() > end:
                raise NoAnswerError(f"snapshot not made: {state}")
            time.sleep(0.2)

    def resume(self, limit: float = 60) -> None:
        """Let a machine that was started from a saved state go on, once that is read."""
        end = time.monotonic() + limit
        while self.ask("query-status")["status"] == "inmigrate":
            if time.monotonic() > end:
                raise NoAnswerError(f"snapshot not read within {limit:g} s")
            time.sleep(0.1)
        self.ask("cont")


@dataclass(frozen=True, slots=True)
class Output:
    """What a script in dom0 did: its exit code, and its output and errors as one text."""

    code: int
    text: str


class Agent:
    """Runs scripts in dom0."""

    def __init__(self, path: Path) -> None:
        self._lines = Lines(path)
        self._count = 0

    def greet(self, limit: float) -> None:
        """Wait until dom0 answers; what is sent before a snapshot is loaded gets lost."""
        end = time.monotonic() + limit
        while True:
            try:
                self.run("true", 2)
                return
            except NoAnswerError:
                if time.monotonic() > end:
                    raise

    def run(self, script: str, limit: float = 60) -> Output:
        """Run a shell script in dom0, one at a time."""
        self._count += 1
        number = str(self._count).encode()
        self._lines.send(number + b" " + base64.b64encode(script.encode()))
        end = time.monotonic() + limit
        while True:
            head, _, rest = self._lines.receive(max(0.01, end - time.monotonic())).partition(b" ")
            if head == number:  # else an answer that came too late
                code, _, text = rest.partition(b" ")
                return Output(int(code), base64.b64decode(text).decode(errors="backslashreplace"))
