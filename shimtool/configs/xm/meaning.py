"""What the followed statements of a config come to in xl's terms, and what cannot be had there."""

from dataclasses import dataclass
from pathlib import Path

from shimtool.configs.xm import command_line
from shimtool.configs.xm.interpreter import Step
from shimtool.configs.xm.items import Item, Setting, Unusable
from shimtool.configs.xm.keys import COMMAND_LINE, DROPPED, in_xl
from shimtool.configs.xm.values import Unknown
from shimtool.dom0.keys import NOT_PV
from shimtool.errors import Fault, Location

_ADDRESS = frozenset(COMMAND_LINE) - {"ip", "dhcp", "nfs_root"}
_MOST_NICS = 64
_MEMORY = 128  # MiB, xm's default; xl's is 32

# What each step sets in xl's terms, in order.
Assignments = list[list[tuple[str, Item]]]


@dataclass(frozen=True, slots=True)
class _Last:
    """The last setting of a key, and which step it is of."""

    step: int
    setting: Setting


class Meaning:
    """Works out `assignments` (one list a step) and `faults`."""

    def __init__(self, steps: list[Step], path: Path) -> None:
        self._steps, self._path = steps, path
        self._last = {
            key: _Last(at, setting)
            for at, step in enumerate(steps)
            for key, setting in step.sets.items()
        }
        self.faults = [fault for key in self._last for fault in self._faults(key)]
        self.assignments: Assignments = [self._plain(step) for step in steps]
        if steps and not self.faults:
            self._command_line()
            self._nics()
            self._defaults()

    def _plain(self, step: Step) -> list[tuple[str, Item]]:
        return [
            (name, setting)
            for key, setting in step.sets.items()
            if isinstance(setting, bytes | int | tuple)
            and (name := in_xl(key))
            and self._known(key) is not None
        ]

    def _known(self, key: str) -> Item | None:
        """Return the final value of a key."""
        last = self._last.get(key)
        setting = last.setting if last else None
        return setting if isinstance(setting, bytes | int | tuple) else None

    # --- faults ---------------------------------------------------------------------------------

    def _faults(self, key: str) -> list[Fault]:
        last = self._last[key]
        if key in _ADDRESS and not self._has_address():
            return []
        match last.setting:
            case Unknown() as unknown if key not in NOT_PV:
                return [self._unknown(key, last, unknown)]
            case Unusable() as unfit if key not in NOT_PV:
                return [self._fault(last, f"{key} {unfit.why}", unfit.remedy)]
        if key in DROPPED and last.setting not in (None, b"", 0, ()):
            what, remedy = DROPPED[key]
            return [self._fault(last, f"xl has no {key}=, with which xm {what}", remedy)]
        if key in COMMAND_LINE and not isinstance(last.setting, bytes | None):
            remedy = "put it in quotes"
            return [self._fault(last, f"{key} must be text, for the kernel's command line", remedy)]
        return []

    def _has_address(self) -> bool:
        """Whether xm puts ip= or nfsroot= on the command line, the only use of some keys."""
        held = {key: self._last[key].setting for key in COMMAND_LINE if key in self._last}
        plain = (None, b"")
        asked = held.get("ip") not in plain or held.get("dhcp") not in (None, b"off")
        return asked or held.get("nfs_root") not in plain

    def _unknown(self, key: str, last: _Last, unknown: Unknown) -> Fault:
        here = unknown.line in (0, self._steps[last.step].first + 1)
        since = "" if here else f" (line {unknown.line})"
        message = f"{key} cannot be worked out: it needs {unknown.needs}{since}"
        return self._fault(last, message, f"write the value itself: {key} = ...")

    def _fault(self, last: _Last, message: str, remedy: str) -> Fault:
        step = self._steps[last.step]
        return Fault(message, Location(self._path, step.first + 1), step.shown or None, remedy)

    # --- what xm did besides --------------------------------------------------------------------

    def _command_line(self) -> None:
        values = {
            key: value for key in command_line.KEYS if (value := self._known(key)) is not None
        }
        if not all(isinstance(value, bytes) for value in values.values()):
            return  # the reader of xl configs says what is wrong
        at = max((self._last[key].step for key in values), default=0)
        root, extra = command_line.words(values)
        if root != values.get("root"):
            self._replace("root", root, at)
        if extra != values.get("extra"):
            self._replace("extra", extra, at)

    def _nics(self) -> None:
        """Give as many interfaces as nics= says: xm adds empty entries to vif=."""
        count, vifs = self._known("nics"), self._known("vif")
        entries = vifs if isinstance(vifs, tuple) else ()
        if not isinstance(count, int) or (vifs is not None and vifs != entries):
            return
        if len(entries) < min(count, _MOST_NICS):
            at = max(self._last[key].step for key in ("nics", "vif") if key in self._last)
            self._replace("vif", entries + (b"",) * (min(count, _MOST_NICS) - len(entries)), at)

    def _defaults(self) -> None:
        """Say what xm took for granted where xl does not: the file's name, 128 MiB."""
        if not self._known("name"):
            # Decoded by the file system's rules; its bytes count.
            self._replace("name", self._path.name.encode(errors="surrogateescape"), -1)
        if not self._known("memory"):
            self._replace("memory", _MEMORY, -1)

    def _replace(self, key: str, value: Item | None, at: int) -> None:
        """Set `key` in step `at` and nowhere else; None: nowhere at all."""
        for made in self.assignments:
            made[:] = [each for each in made if each[0] != key]
        if value is not None:
            self.assignments[at].append((key, value))
