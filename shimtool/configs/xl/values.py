"""Values at which xl ends, whatever else the config says: UUIDs, actions, and numbers of vif=."""

import re
from collections.abc import Iterator

from shimtool.configs.xl.numbers import strtol
from shimtool.configs.xl.syntax import Document
from shimtool.configs.xl.vif import parse_vif
from shimtool.deferred import regex
from shimtool.errors import Fault, Location
from shimtool.model import ConfigString, Vocabulary

_UUID = regex(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EVENTS = ("on_poweroff", "on_reboot", "on_crash", "on_watchdog", "on_soft_reset")
_ACTIONS = (
    "destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart",
    "soft-reset",
)  # fmt: skip
_VIF_NUMBERS = {"mtu": 1500, "devid": 0}
# libxlu_vif.c: bytes or bits a second, and after @ how often they are counted.
_RATE = regex(r"[0-9]+[GMK]?[Bb]/s(?:@[0-9]+[um]?s?)?", re.ASCII)


def value_faults(document: Document, words: Vocabulary) -> Iterator[Fault]:
    """Yield a fault for each value at which xl ends."""
    uuid = document.value("uuid")
    if isinstance(uuid, ConfigString) and not _UUID.fullmatch(uuid.text):
        remedy = f"write it as 8-4-4-4-12 digits, or remove {words.written('uuid')}"
        yield _fault(document, uuid, "xl cannot read this UUID", remedy)
    for key in _EVENTS:
        action = document.value(key)
        if isinstance(action, ConfigString) and action.text not in _ACTIONS:
            remedy = f"use one of {', '.join(_ACTIONS)}"
            yield _fault(document, action, f"xl knows no such action for {words.name(key)}", remedy)
    vifs = document.value("vif")
    if vifs is not None and not isinstance(vifs, ConfigString):
        for entry in vifs.items:
            if isinstance(entry, ConfigString):
                yield from _vif_faults(document, entry)


def _vif_faults(document: Document, entry: ConfigString) -> Iterator[Fault]:
    for key, value in parse_vif(entry).options:
        if key == "rate" and not _RATE.fullmatch(value):
            yield _fault(document, entry, "xl cannot read this rate", "write it like rate=10MB/s")
        if key in _VIF_NUMBERS and strtol(value) is None:
            remedy = f"write a number, {key}={_VIF_NUMBERS[key]}"
            yield _fault(document, entry, f"xl cannot read this {key}", remedy)


def _fault(document: Document, value: ConfigString, message: str, remedy: str) -> Fault:
    return Fault(message, Location(document.path, value.line), value.text[:200], remedy)
