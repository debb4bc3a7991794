"""What works after conversion but changes: the warnings of each guest."""

import re
from collections.abc import Iterable

from shimtool.dom0.keys import TABLE, Fate
from shimtool.model import (
    BootImage,
    Caution,
    Concern,
    Difference,
    Guest,
    Host,
    Mode,
    Payload,
)
from shimtool.plan import disks, pvgrub
from shimtool.plan.hosting import host_warnings

# Linux 2.6.26, where every 32-bit disk driver writes "protocol" by itself (libxl's own comment).
_TELLS_PROTOCOL = 26


def warnings(
    guest: Guest,
    image: BootImage,
    differs: Iterable[Difference],
    host: Host,
    mode: Mode,
) -> tuple[Caution, ...]:
    """List what the admin should know before the guest is started again.

    Of what `differs` for it, that which warns.
    """
    payload = image.payload
    found = (
        (Concern.OVERLOOKED, _overlooked(guest)),
        (Concern.KEY, _keys(guest, mode)),
        (Concern.DISK, disks.warnings(guest, mode)),
        (Concern.KERNEL, _protocol(guest, payload)),
        (Concern.BOOT_LOADER, pvgrub.warnings(guest, payload)),
        (Concern.HOST, host_warnings(guest, host, image.shim, mode)),
    )
    return (
        *(Caution(each.concern, each.text) for each in differs if each.warns),
        *(Caution(concern, text) for concern, texts in found for text in texts),
    )


def _overlooked(guest: Guest) -> list[str]:
    return [
        f"{guest.written(key)} {why}: {guest.words.toolstack} goes on without it, before and after"
        for key, why in guest.overlooked.items()
    ]


def _keys(guest: Guest, mode: Mode) -> list[str]:
    """Return what the table of keys has to warn of, for each key that is set and not lost."""
    return [
        f"{guest.written(key)} {row.said(guest.words)}"
        for row in TABLE
        if row.message and row.fate(mode) in (Fate.UNTRIED, Fate.REPLACED)
        for key in row.keys
        if key in guest.non_empty_keys
    ]


def _protocol(guest: Guest, payload: Payload | None) -> list[str]:
    """Warn of old 32-bit kernels, which do not tell a disk's back end that they are 32-bit.

    libxl does that for them, but for PV guests only (4.2-4.21, libxl_disk.c).
    """
    if payload is None:
        return []
    facts = payload.kernel.facts
    found = re.match(r"2\.6\.(\d+)", facts.version or "")
    if facts.bits == 64 or not guest.disks or not found or int(found[1]) >= _TELLS_PROTOCOL:
        return []
    return [
        f"kernel {facts.version} is a 32-bit one older than 2.6.26: some of these find no disks in"
        " a container. If this one does not, leave the guest PV, or give it a newer kernel"
    ]
