"""What the commands' --json documents hold.

The TypedDicts are promises: scripts read these documents. schemas/*.json beside this folder say the
same as JSON Schema (tests/cli/test_schemas.py makes them of these).
"""

from typing import Literal, TypedDict

from shimtool.dom0.releases import Fact
from shimtool.errors import Code
from shimtool.model import Concern, GuestType, Mode, ShimKind


class Reason(TypedDict):
    """Why something is refused, failed or stale. `code` stays; the texts may change.

    `file` and `line` are where an admin can look, `seen` is the value that is wrong.
    """

    code: Code
    message: str
    file: str | None
    line: int | None
    seen: str | None
    remedy: str | None


class Warning(TypedDict):  # noqa: A001 - what it is called everywhere else
    """What works after conversion, but otherwise. `code` stays; the text may change."""

    code: Concern
    message: str


class Change(TypedDict):
    """One edit of a config: a key (for libvirt a path of elements), null where no longer set."""

    key: str
    value: str | int | list[str] | None


class Differing(TypedDict):
    """What will not be as before for a guest. `code` stays; the texts may change."""

    code: Concern
    short: str
    message: str


class MemorySizes(TypedDict):
    """MiB that the config gives, and the new one; what the guest sees; what it needs to start.

    `needed` is null where the kernel is not known.
    """

    before: int
    after: int
    guest: int
    needed: int | None


class ScannedGuest(TypedDict):
    """One guest of `scan --json`; `name` is null where the config could not be read.

    Of one that is refused `differs` is empty, and `memory` null.
    """

    name: str | None
    config: str
    type: GuestType
    boot: Literal["kernel", "pvgrub", "bootloader", "none"]
    convertible: bool
    reasons: list[Reason]
    differs: list[Differing]
    memory: MemorySizes | None


class PlannedGuest(ScannedGuest):
    """One guest of `plan --json` and `convert --json`; `mode` and `shim` are null if refused."""

    status: Literal["planned", "converted", "unchanged", "refused"]
    mode: Mode | None
    shim: str | None
    changes: list[Change]
    warnings: list[Warning]
    outputs: list[str]


class VerifiedFile(TypedDict):
    """One file of `verify --json` and `boot-test --json`: what was looked at, what was found."""

    file: str
    ok: bool
    checks: dict[str, str]
    reasons: list[Reason]


class GuestState(TypedDict):
    """One guest of `status --json`; of a damaged record only name and reasons are known."""

    name: str
    config: str | None
    stale: bool
    reasons: list[Reason]
    mode: str | None
    shim: str | None
    outputs: list[str]


class RestoredConfig(TypedDict):
    """One config of `restore --json`."""

    config: str
    status: Literal["restored", "refused"]
    reasons: list[Reason]


# Names that no class could give.
_Hyphened = TypedDict("_Hyphened", {"build-id": str | None, "hosts-source": str})


class ShimFacts(_Hyphened):
    """One shim of `shims list --json`, and `shims show --json`; sizes in bytes."""

    name: str
    version: str | None
    kind: ShimKind
    modes: list[Mode]
    size: int
    sha256: str
    origin: str
    file: str
    hosts: str
    arguments: str
    caveats: list[str]


class ShimsOfKind(TypedDict):
    """Which shims of a kind work on this host; `versions` is null where all do."""

    modes: list[Mode]
    versions: list[str] | None
    hosts: str


class PathOnHost(TypedDict):
    """A folder of dom0, and where it is here."""

    host: str
    here: str


_HasSources = TypedDict("_HasSources", {"has-sources": dict[Fact, str]})


class HostFacts(_HasSources):
    """`host --json`: this Xen, what it has (releases.yaml), which shims work on it.

    null is unknown. `profile` names the release whose facts these are.
    """

    xen: str | None
    source: str
    hvm: bool | None
    mode: Mode
    profile: str
    has: dict[Fact, bool | None]
    shims: dict[ShimKind, ShimsOfKind]
    maps: list[PathOnHost]
    kernels: list[str]


class Errors(TypedDict):
    """An error of the whole run, whatever the command."""

    errors: list[Reason]


# What each command prints; in --json a document is one of these, or Errors.
DOCUMENTS: dict[str, object] = {
    "scan": list[ScannedGuest],
    "plan": list[PlannedGuest],
    "convert": list[PlannedGuest],
    "verify": list[VerifiedFile],
    "boot-test": list[VerifiedFile],
    "status": list[GuestState],
    "restore": list[RestoredConfig],
    "host": HostFacts,
    "shims-list": list[ShimFacts],
    "shims-show": ShimFacts,
    "errors": Errors,
}
