"""A small process from which command lines are forked.

pytest's own processes grow to hundreds of MiB: a child of theirs takes more time to be forked
than to do its work. Requests and answers are pickled, each after its length of four bytes.
"""

import atexit
import os
import pickle
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.support import child
from tests.support.prepared import prepare

_ROOT = Path(__file__).parents[2]
_LENGTH = 4


# Has the server, and all it forks, see another time: $FAKETIME of each child, read at each call.
CLOCK = ("env", "FAKETIME_NO_CACHE=1", "faketime", "-f", "+0")


class Child:
    """Work that is about to begin, such as a command line: its process, and when it may begin."""

    def __init__(
        self, work: Callable[[], None], out: int, err: int, faketime: str | None = None
    ) -> None:
        self._server = _server(() if faketime is None else CLOCK)
        wait, self._go = os.pipe()
        request = {
            "work": work,
            "folder": os.fspath(Path.cwd()),
            "environment": dict(os.environ) | ({"FAKETIME": faketime} if faketime else {}),
            "largest_file": resource.getrlimit(resource.RLIMIT_FSIZE),
        }
        socket.send_fds(self._server, [b"!"], [out, err, wait])
        _send(self._server, request)
        os.close(wait)
        self.pid: int = _receive(self._server)

    def begin(self) -> None:
        """Let it work."""
        os.write(self._go, b"!")
        os.close(self._go)

    def ended(self) -> child.Taken:
        """Wait for its end."""
        return child.Taken(**_receive(self._server))


@cache
def _server(through: tuple[str, ...]) -> socket.socket:
    """Start the process, perhaps through another program; it ends when this one does."""
    ours, its = socket.socketpair()
    words = [*through, sys.executable, "-m", "tests.support.fork_server", str(its.fileno())]
    with its:
        process = subprocess.Popen(
            words, cwd=_ROOT, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL
        )
    atexit.register(process.wait)  # `time` counts what it took, too
    atexit.register(ours.close)  # comes first
    return ours


def _serve(channel: socket.socket) -> None:
    prepare()
    while True:
        mark, descriptors, _flags, _from = socket.recv_fds(channel, 1, 3)
        if not mark:
            return
        request = _receive(channel)
        before = child.resident()
        pid = child.fork(partial(_work, request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _send(channel, pid)
        _send(channel, asdict(child.ended(pid, before)))


def _work(request: dict[str, Any]) -> None:
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    resource.setrlimit(resource.RLIMIT_FSIZE, request["largest_file"])
    request["work"]()


def _send(channel: socket.socket, document: object) -> None:
    data = pickle.dumps(document)
    channel.sendall(len(data).to_bytes(_LENGTH) + data)


def _receive(channel: socket.socket) -> Any:  # noqa: ANN401 - an object of any shape
    length = int.from_bytes(_exactly(channel, _LENGTH))
    return pickle.loads(_exactly(channel, length))  # noqa: S301 - from our own other end


def _exactly(channel: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = channel.recv(length - len(data))
        assert more, "the process that forks command lines has ended"
        data += more
    return data


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
