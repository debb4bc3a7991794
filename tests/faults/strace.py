"""Runs the real command line under strace, which can fail or kill it at any one system call."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tests.support.cli import Result, shimtool_cli

CHANGES = (
    *("openat", "write", "pwrite64", "copy_file_range", "sendfile", "ftruncate", "fsync", "fchmod"),
    *("fchown", "rename", "renameat", "unlink", "unlinkat", "mkdir", "rmdir"),
)
READS = ("read", "pread64", "flock", "getdents64")
_CALL = re.compile(r"(\d+) +(\w+)\((.*)")
_FILE = re.compile(r'[<"]([^<">]*)[">]')


@dataclass(frozen=True)
class Call:
    """The `number`th call (from 1) of the system call `name`, as `text` shows it."""

    name: str
    number: int
    text: str

    @property
    def file(self) -> str:
        """Which file it is about, temporary names being one."""
        names = _FILE.findall(self.text)
        return re.sub(r"\.shimtool-\w+", "", names[-1] if self.name == "openat" else names[0])


def all_calls(words: Sequence[str], below: Path, names: Sequence[str], log: Path) -> list[Call]:
    """Run once; return the system calls of these names that are about files below a folder."""
    done = traced(words, log, "-e", f"trace={','.join(names)}")
    assert done.code == 0, done
    found: list[Call] = []
    counts: Counter[tuple[str, str]] = Counter()  # strace counts each thread's calls apart
    for line in log.read_text(errors="backslashreplace").splitlines():
        if call := _CALL.match(line):
            counts[call[1], call[2]] += 1
            if str(below) in call[3]:
                found.append(Call(call[2], counts[call[1], call[2]], call[3]))
    assert found
    return found


def calls(words: Sequence[str], below: Path, names: Sequence[str], log: Path) -> list[Call]:
    """As `all_calls`; of many that do the same to the same file in a row, the first and last."""
    found = all_calls(words, below, names, log)
    runs = [list(same) for _, same in groupby(found, lambda call: (call.name, call.file))]
    return [call for same in runs for call in dict.fromkeys((same[0], same[-1]))]


def one_of_each(found: Sequence[Call]) -> list[Call]:
    """The last of those that do the same to the same file."""
    return list({(call.name, call.file): call for call in found}.values())


def inject(words: Sequence[str], call: Call, what: str, log: Path) -> Result:
    """Run with `what` (error=EIO, signal=KILL) instead of that call."""
    done = traced(
        words, log,
        "-e", f"trace={call.name}", "-e", f"inject={call.name}:{what}:when={call.number}",
    )  # fmt: skip
    if what.startswith("error="):
        (hit,) = [line for line in log.read_text().splitlines() if "(INJECTED)" in line]
        folder = Path(call.file).parent.name  # alone, where the call names an open folder
        # A file that was looked at first is opened by its descriptor.
        known = f"{folder}/" in hit or f"{folder}>" in hit or '"/proc/self/fd/' in hit
        assert known, f"meant {call}, hit {hit}"
    return done


def stopped(words: Sequence[str], call: Call, log: Path) -> "subprocess.Popen[str]":
    """Start a run and return it once it stands still (SIGSTOP) after that call."""
    process = subprocess.Popen(
        # -D: the process is shimtool itself, not strace
        ["strace", "-D", "-f", "-o", str(log), "-e", f"trace={call.name}",
         "-e", f"inject={call.name}:signal=STOP:when={call.number}",
         sys.executable, "-m", "shimtool", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    how = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert how
    assert how.si_code == os.CLD_STOPPED, how
    return process


def traced(words: Sequence[str], log: Path, *options: str) -> Result:
    """Run under strace, which writes to `log`."""
    tracer = ("strace", "-f", "-y", "-s", "5000", "-o", str(log), *options)
    return shimtool_cli(*words, tracer=tracer)
