"""Which keys of xl the statements of a config set, and what of it xl cannot be told."""

import re
from pathlib import Path

from shimtool.configs.xm import command_line
from shimtool.configs.xm.interpreter import Step
from shimtool.configs.xm.keys import COMMAND_LINE_KEYS, DROPPED, xl_name
from shimtool.configs.xm.settings import Setting, Unusable, XlValue
from shimtool.configs.xm.values import Unknown
from shimtool.deferred import dataclass
from shimtool.dom0.keys import NOT_PV
from shimtool.errors import Fault, Location

_ADDRESS = frozenset(COMMAND_LINE_KEYS) - {"ip", "dhcp", "nfs_root"}
_MOST_NICS = 64  # interfaces; larger numbers in nics= count as this
_UNSET_IF_EMPTY = (
    "bootloader", "maxmem", "on_crash", "on_poweroff", "on_reboot", "uuid", "vcpus",
)  # fmt: skip
# A disk's entry up to its name for the guest: TARGET,ioemu:/dev/
_VDEV = re.compile(rb"\A([^,]*,\s*(?:ioemu:)?)/dev/")
_MEMORY = 128  # MiB, xm's default; xl's is 32

# For each step, the keys of xl that it sets and their values, in order.
Assignments = list[list[tuple[str, XlValue]]]


@dataclass(frozen=True, slots=True)
class _Last:
    """The last setting of a key, and the index of its step."""

    step: int
    setting: Setting


class XlAssignments:
    """What a config comes to for xl: `by_step`, the assignments, and `faults`.

    Without faults, `by_step` has what xm added too: the kernel's command line and defaults.
    """

    def __init__(self, steps: list[Step], path: Path) -> None:
        self._steps, self._path = steps, path
        self._last = {
            key: _Last(at, setting)
            for at, step in enumerate(steps)
            for key, setting in step.sets.items()
        }
        self.faults = [fault for key in self._last for fault in self._faults(key)]
        self.by_step: Assignments = [self._of_step(step) for step in steps]
        if steps and not self.faults:
            self._command_line()
            self._nics()
            self._unset()
            self._uuid()
            self._vdevs()
            self._defaults()

    def _of_step(self, step: Step) -> list[tuple[str, XlValue]]:
        return [
            (name, setting)
            for key, setting in step.sets.items()
            if isinstance(setting, bytes | int | tuple)
            and (name := xl_name(key))
            and self._final(key) is not None
        ]

    def _final(self, key: str) -> XlValue | None:
        """Return the value that a key has in the end, None if it has none for xl."""
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
                return [self._unknown_fault(key, last, unknown)]
            case Unusable() as unusable if key not in NOT_PV:
                return [self._fault(last, f"{key} {unusable.why}", unusable.remedy)]
        if key in DROPPED and last.setting not in (None, b"", 0, ()):
            what, remedy = DROPPED[key]
            return [self._fault(last, f"xl has no {key}=, with which xm {what}", remedy)]
        if key in COMMAND_LINE_KEYS and not isinstance(last.setting, bytes | None):
            remedy = "put it in quotes"
            return [self._fault(last, f"{key} must be text, for the kernel's command line", remedy)]
        return []

    def _has_address(self) -> bool:
        """Whether xm makes ip= or nfsroot= of the keys in _ADDRESS, which serve nothing else."""
        held = {key: self._last[key].setting for key in COMMAND_LINE_KEYS if key in self._last}
        unset = (None, b"")
        asked = held.get("ip") not in unset or held.get("dhcp") not in (None, b"off")
        return asked or held.get("nfs_root") not in unset

    def _unknown_fault(self, key: str, last: _Last, unknown: Unknown) -> Fault:
        here = unknown.line in (0, self._steps[last.step].first + 1)
        since = "" if here else f" (line {unknown.line})"
        message = f"{key} cannot be worked out: it needs {unknown.needs}{since}"
        return self._fault(last, message, f"write the value itself: {key} = ...")

    def _fault(self, last: _Last, message: str, remedy: str) -> Fault:
        step = self._steps[last.step]
        return Fault(message, Location(self._path, step.first + 1), step.excerpt or None, remedy)

    # --- what xm added by itself ----------------------------------------------------------------

    def _command_line(self) -> None:
        values = {
            key: value for key in command_line.KEYS if (value := self._final(key)) is not None
        }
        if not all(isinstance(value, bytes) for value in values.values()):
            return  # the reader of xl's configs reports it
        at = max((self._last[key].step for key in values), default=0)
        root, extra = command_line.root_and_extra(values)
        if root != values.get("root"):
            self._replace("root", root, at)
        if extra != values.get("extra"):
            self._replace("extra", extra, at)

    def _nics(self) -> None:
        """Add empty entries to vif= until there are as many as nics= says, as xm did."""
        count, vifs = self._final("nics"), self._final("vif")
        entries = vifs if isinstance(vifs, tuple) else ()
        if not isinstance(count, int) or (vifs is not None and vifs != entries):
            return
        if len(entries) < min(count, _MOST_NICS):
            at = max(self._last[key].step for key in ("nics", "vif") if key in self._last)
            self._replace("vif", entries + (b"",) * (min(count, _MOST_NICS) - len(entries)), at)

    def _unset(self) -> None:
        """Leave out what xm took no notice of where it is empty or 0, and xl does (add_conf())."""
        for key in _UNSET_IF_EMPTY:
            if key in self._last and not self._final(key):
                self._replace(key, None, -1)

    def _uuid(self) -> None:
        """Write a UUID as xl wants it: xm took the dashes out, wherever they were."""
        uuid = self._final("uuid")
        digits = uuid.replace(b"-", b"").decode("latin-1") if isinstance(uuid, bytes) else ""
        if re.fullmatch("[0-9a-fA-F]{32}", digits):
            parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
            self._replace("uuid", "-".join(parts).encode(), self._last["uuid"].step)

    def _vdevs(self) -> None:
        """Take /dev/ from a disk's name for the guest, which xend took with and without it."""
        disks = self._final("disk")
        if not isinstance(disks, tuple):
            return
        named = tuple(
            _VDEV.sub(rb"\1", each) if isinstance(each, bytes) else each for each in disks
        )
        if named != disks:
            self._replace("disk", named, self._last["disk"].step)

    def _defaults(self) -> None:
        """Write out xm's defaults where xl has none or others: the file's name, 128 MiB."""
        if not self._final("name"):
            # surrogateescape gives back the bytes that the name has on disk.
            self._replace("name", self._path.name.encode(errors="surrogateescape"), -1)
        if not self._final("memory"):
            self._replace("memory", _MEMORY, -1)

    def _replace(self, key: str, value: XlValue | None, at: int) -> None:
        """Let step `at` alone set `key` to `value`; None: let no step set it."""
        for made in self.by_step:
            made[:] = [each for each in made if each[0] != key]
        if value is not None:
            self.by_step[at].append((key, value))
