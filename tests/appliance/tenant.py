"""A tenant of a dom0: a real user without rights, whose folder root's shimtool reads."""

import os
import pwd
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER = f"tenant-{os.getpid()}"  # of this run of pytest
MARK = "the tenant's program was run"


@dataclass(frozen=True)
class Tenant:
    """`home` is his, below /srv: two names deep, as the attacks count."""

    home: Path

    def does(self, script: str) -> None:
        """Run a shell script as him, in his folder."""
        subprocess.run([*self.become(), "sh", "-ec", script], cwd=self.home, check=True)

    def start(self, script: str) -> "subprocess.Popen[bytes]":
        """Start one that does not end by itself."""
        return subprocess.Popen([*self.become(), "sh", "-ec", script], cwd=self.home)

    def become(self) -> list[str]:
        user = pwd.getpwnam(USER)
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def program(self, path: str) -> None:
        """Put a program there, which needs nothing else: it says MARK and ends."""
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_program())
        target.chmod(0o755)
        subprocess.run(["chown", "-R", f"{USER}:", self.home], check=True)


@contextmanager
def a_tenant() -> Iterator[Tenant]:
    """Make the user and his folder, and remove both."""
    subprocess.run(["useradd", "--no-create-home", USER], check=True)
    home = Path(tempfile.mkdtemp(prefix="tenant-", dir="/srv"))
    try:
        home.chmod(0o755)
        subprocess.run(["chown", f"{USER}:", home], check=True)
        yield Tenant(home)
    finally:
        shutil.rmtree(home)
        subprocess.run(["userdel", "--force", USER], check=True, capture_output=True)


def _program() -> bytes:
    """Build a static ELF executable of x86_64: write(2, MARK), exit(0)."""
    mark = f"{MARK}\n".encode()
    code = b"\xb8\x01\0\0\0\xbf\x02\0\0\0\x48\x8d\x35\x10\0\0\0\xba" + struct.pack("<I", len(mark))
    code += b"\x0f\x05\xb8\x3c\0\0\0\x31\xff\x0f\x05"
    base, size = 0x400000, 120 + len(code) + len(mark)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, base + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 4096)
    return ident + header + segment + code + mark
