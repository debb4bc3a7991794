"""How long a virtual machine is waited for, counted in what it did instead of by the clock."""

import os
import time
from pathlib import Path

# A machine that stands still uses no CPU time: after these seconds of the clock it is given up.
# Only a guard against waiting for ever, far beyond what the busiest host needs.
HUNG = 3600.0


class CpuLimit:
    """`seconds` of CPU time, from now on, of the process `pid`.

    A host that is busy with other work gives the process its CPU time later, not less of it.
    """

    def __init__(self, pid: int, seconds: float) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._seconds = seconds
        self._last = 0.0
        self._start = self._cpu_seconds()
        self._hung = time.monotonic() + HUNG

    def used(self) -> float:
        """Return the seconds of CPU time used since this was made."""
        return self._cpu_seconds() - self._start

    def is_over(self) -> bool:
        """Whether the process has used its CPU time, is gone, or stands still for an hour."""
        gone = not self._stat.exists()
        return gone or self.used() > self._seconds or time.monotonic() > self._hung

    def _cpu_seconds(self) -> float:
        """Field 14 and 15 of proc(5)'s stat, in clock ticks; what was last seen of one gone."""
        try:
            user, system = self._stat.read_text().rpartition(")")[2].split()[11:13]
        except OSError:
            return self._last
        self._last = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        return self._last
