"""What became of a guest: read, planned, converted, or refused."""

from collections.abc import Callable
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING, Literal, TypeVar

from shimtool.deferred import dataclass
from shimtool.errors import Code, Fault, Location, ShimtoolError
from shimtool.model import Guest, Mode, Plan
from shimtool.text import diff

if TYPE_CHECKING:  # what only prints outcomes need not load it
    from shimtool.configs.parse import Config
    from shimtool.output.report import Record

Done = TypeVar("Done")
_MOST_SAID = 300  # characters of what an exception says


@dataclass(frozen=True, slots=True)
class ParsedGuest:
    """A guest as read, with the config to edit."""

    guest: Guest
    config: "Config"

    @property
    def name(self) -> str:
        """The guest's name."""
        return self.guest.name


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be done for one guest, and the bytes of its new config."""

    parsed: ParsedGuest
    plan: Plan
    new_config: bytes

    @property
    def config(self) -> Path:
        """The guest's config, as it was found."""
        return self.parsed.guest.config

    @property
    def changes(self) -> str:
        """What changes in the config, as a unified diff."""
        guest = self.parsed.guest
        return diff(self.parsed.config.data, self.new_config, str(self.config), guest.new_config)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why one guest is left as it is; `guest` is what its config says, None where unreadable.

    `crash` is the exception of a fault in shimtool itself.
    """

    config: Path
    faults: tuple[Fault, ...]
    guest: Guest | None = None
    crash: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """A guest whose outputs are there; `status` says whether this run wrote them."""

    planned: Planned
    record: "Record"
    status: Literal["converted", "unchanged"]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A guest that stands as it was converted, in the words of its record: nothing was planned."""

    name: str
    config: Path
    mode: Mode
    shim: str
    files: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GuestStatus:
    """A guest converted before, and why its outputs are stale; no reasons when up to date.

    `crash` is the exception of a fault in shimtool itself, which is one of the reasons then.
    """

    record: "Record"
    reasons: tuple[Fault, ...]
    crash: BaseException | None = None


Outcome = Planned | Refused


def done_or_refused(
    work: Callable[[], Done], config: Path, guest: Guest | None = None
) -> Done | Refused:
    """Do some work on one guest; whatever stops it is of this guest alone, and is its refusal."""
    try:
        return work()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - libraries in Rust panic with one of these
        return _refusal(config, error, guest)


def _refusal(config: Path, error: BaseException, guest: Guest | None) -> Refused:
    if isinstance(error, ShimtoolError):
        return Refused(config, error.faults, guest)
    clear_frames(error.__traceback__)  # what filled the memory must not stay in it
    fault = Fault(
        f"shimtool itself failed on this guest: {type(error).__name__}: {str(error)[:_MOST_SAID]}",
        Location(config),
        remedy="the other guests are not affected; report it with the log that is named below",
        code=Code.CRASH,
    )
    return Refused(config, (fault,), guest, error)
