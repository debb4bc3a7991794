"""What an xl config says of a guest, as xl and libxl 4.17 take it."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TypeVar
from unicodedata import category

from shimtool.configs.xl.disk import parse_disk
from shimtool.configs.xl.numbers import strtol
from shimtool.configs.xl.overlooked import overlooked
from shimtool.configs.xl.syntax import Document
from shimtool.configs.xl.values import value_faults
from shimtool.configs.xl.vif import parse_vif
from shimtool.deferred import regex
from shimtool.errors import Fault, ShimtoolError, fault, raise_by_line
from shimtool.model import (
    XL,
    Boot,
    BootloaderBoot,
    ConfigString,
    Disk,
    Guest,
    GuestType,
    KernelBoot,
    NoBoot,
    Vif,
    Vocabulary,
)

Got = TypeVar("Got")
Other = TypeVar("Other")

_NAME_LIMIT = 200  # bytes; leaves room for suffixes in a file name of 255
_DEFAULT_MEMORY = 32  # MiB, libxl's
_FLAGS = ("driver_domain", "pvh", "vnc")  # they ask for nothing when they are 0
PVGRUB = regex(r"grub-.+-xen\.bin|pv-?grub.*", re.IGNORECASE)


def read_guest(document: Document, words: Vocabulary = XL) -> Guest:
    """Return the guest that a config describes; `words` are those of its own syntax.

    Raises ShimtoolError with everything wrong in it, by line: name, type, numbers, disks ...
    """
    keys = document.keys()
    values = {key: value for key in keys if (value := document.value(key)) is not None}
    without = overlooked(values, document.added)
    reader = _Reader(document.without(without), words)
    guest = reader.guest()
    raise_by_line([*reader.faults, *value_faults(document, words)])
    return replace(guest, keys=keys, overlooked=MappingProxyType(without))


class _Reader:
    """Reads one config; gathers faults and puts a default in their place."""

    def __init__(self, document: Document, words: Vocabulary) -> None:
        self.document = document
        self.words = words
        self.faults: list[Fault] = []

    def guest(self) -> Guest:
        document, words = self.document, self.words
        keys = document.keys()
        maxmem = self._number("maxmem")
        # Only maxmem given: libxl starts the guest with all of it.
        memory = self._number("memory") or maxmem or _DEFAULT_MEMORY
        kind = self._try(partial(_type, document), GuestType.UNKNOWN)
        vcpus, maxvcpus = self._vcpus()
        return Guest(
            name=self._try(partial(_name, document, words), ""),
            config=document.path,
            type=kind,
            boot=self._try(partial(_boot, document, kind, words), None)
            or NoBoot("the config has errors"),
            memory=memory,
            maxmem=maxmem or memory,
            vcpus=vcpus,
            maxvcpus=maxvcpus,
            root=self._string("root"),
            extra=self._string("extra"),
            cmdline=self._string("cmdline"),
            disks=self._disks(),
            vifs=self._vifs(),
            keys=keys,
            non_empty_keys=frozenset(key for key in keys if _is_set(document, key)),
            words=words,
        )

    def _try(self, read: Callable[[], Got], otherwise: Other) -> Got | Other:
        try:
            return read()
        except ShimtoolError as error:
            self.faults.extend(error.faults)
            return otherwise

    def _string(self, key: str) -> ConfigString | None:
        return self._try(partial(self.document.string, key), None)

    def _number(self, key: str) -> int | None:
        return self._try(partial(_positive, self.document, key, self.words), None)

    def _vcpus(self) -> tuple[int, int]:
        vcpus, maxvcpus = self._number("vcpus") or 1, self._number("maxvcpus")
        if maxvcpus is not None and maxvcpus < vcpus:
            line = self.document.keys()["maxvcpus"]
            message = f"maxvcpus is {maxvcpus}, less than vcpus, which is {vcpus}"
            most, started = map(self.words.written, ("maxvcpus", "vcpus"))
            remedy = f"raise {most}, or lower {started}"
            self.faults.extend(self.document.fault(line, message, remedy=remedy).faults)
        return vcpus, maxvcpus or vcpus

    def _disks(self) -> tuple[Disk, ...]:
        found = (
            self._try(partial(parse_disk, entry, self.document.path), None)
            for entry in self._strings("disk")
        )
        return tuple(disk for disk in found if disk)

    def _vifs(self) -> tuple[Vif, ...]:
        return tuple(map(parse_vif, self._strings("vif")))

    def _strings(self, key: str) -> tuple[ConfigString, ...]:
        return self._try(partial(self.document.strings, key), None) or ()


def _is_set(document: Document, key: str) -> bool:
    value = document.value(key)
    if key in _FLAGS and isinstance(value, ConfigString):
        return strtol(value.text) != 0
    return bool(value.text if isinstance(value, ConfigString) else value and value.items)


def _type(document: Document) -> GuestType:
    """Read type= (from Xen 4.10 on) and builder=; xl takes any beginning of the words.

    pvh= is left to the plan: what it means depends on the host's xl.
    """
    kind, builder = document.string("type"), document.string("builder")
    by_type = None if kind is None else _chosen(document, kind)
    by_builder = None if builder is None else _built(builder.text)
    if by_type and by_builder and by_type != by_builder and builder:
        message = f"builder= says {by_builder}, type= says {by_type}"
        raise document.fault(builder.line, message, remedy="remove builder=")
    return by_type or by_builder or GuestType.PV


def _chosen(document: Document, kind: ConfigString) -> GuestType:
    known = (GuestType.HVM, GuestType.PV, GuestType.PVH)
    for each in known:
        if each.startswith(kind.text):
            return each
    remedy = f"use one of {', '.join(known)}"
    raise document.fault(kind.line, "unknown type", kind.text, remedy)


def _built(builder: str) -> GuestType:
    """Return what the builder makes: for xl 4.4-4.9 each but "hvm" makes a PV guest.

    The usual words are linux, generic and pv. From 4.10 on xl ends at all but "generic", so a guest
    that has another one left is none of these; the new config no longer has it.
    """
    return GuestType.HVM if "hvm".startswith(builder) else GuestType.PV


def _name(document: Document, words: Vocabulary) -> str:
    """Return the name, which will also name files."""
    name = document.string("name")
    if name is None:
        raise fault("the guest has no name", document.path, remedy=f"set {words.written('name')}")
    if why := unfit(name.text):
        remedy = "give the guest a name that a file can have"
        raise document.fault(name.line, f"the guest's name {why}", ascii(name.text[:60]), remedy)
    return name.text


def unfit(name: str) -> str | None:
    """Say why a name cannot be a file's; None when it can."""
    if not name or name in (".", "..") or name.startswith("-"):
        return "is empty, . or .., or begins with -"
    if "/" in name:
        return "holds a /"
    if any(category(char) in ("Cc", "Cs", "Zl", "Zp") for char in name):
        return "holds control characters or is not UTF-8"
    if len(name.encode()) > _NAME_LIMIT:
        return f"is longer than {_NAME_LIMIT} bytes"
    return None


def _positive(document: Document, key: str, words: Vocabulary) -> int | None:
    number = document.integer(key)
    if number is not None and number < 1:
        line = document.keys()[key]
        remedy = f"set {words.written(key)} to a number that the guest can start with"
        raise document.fault(line, f"{words.name(key)} must be at least 1", str(number), remedy)
    return number


def _boot(document: Document, kind: GuestType, words: Vocabulary) -> Boot:
    """Return what boots the guest. libxl runs a boot loader even when kernel= is there too."""
    bootloader, kernel = document.string("bootloader"), document.string("kernel")
    ramdisk, firmware = document.string("ramdisk"), document.string("firmware")
    if bootloader and kind is not GuestType.HVM:
        if not bootloader.text:
            program = words.written("bootloader")
            has_kernel = kernel is not None and kernel.text
            remedy = f"remove {program}: xl would run it, whatever {words.written('kernel')} is"
            return NoBoot(f"{program} is empty", remedy if has_kernel else None)
        return BootloaderBoot(
            bootloader,
            _arguments(document),
            kernel=kernel if kernel and kernel.text else None,
            ramdisk=ramdisk if ramdisk and ramdisk.text else None,
        )
    if kernel and kernel.text:
        name = PurePosixPath(kernel.text).name
        return KernelBoot(
            kernel,
            ramdisk if ramdisk and ramdisk.text else None,
            "pvgrub" if PVGRUB.fullmatch(name) else "kernel",
        )
    if kind is GuestType.HVM:
        return NoBoot("an HVM guest boots by its own firmware")
    if firmware:
        return NoBoot(
            f"firmware={firmware.text} does not tell where the image is",
            f"set {words.written('kernel')} to it in place of firmware=",
        )
    image = words.written("kernel")
    neither = f"there is neither {image} nor {words.written('bootloader')}"
    return NoBoot(f"{image} is empty" if kernel else neither)


def _arguments(document: Document) -> tuple[str, ...]:
    """Return bootloader_args, a list, or (deprecated) words in one string."""
    value = document.value("bootloader_args")
    if isinstance(value, ConfigString):
        return tuple(word for word in re.split("[ \t\n]+", value.text) if word)
    return tuple(item.text for item in document.strings("bootloader_args") or ())
