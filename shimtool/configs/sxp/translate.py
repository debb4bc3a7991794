"""A guest that xend kept, written anew in xl's syntax: every line stays, as a comment.

In front of the line on which xend has it stands what it comes to for xl. What xend measured (times,
states, notes of the kernel) comes to nothing, as does a weight in fractions (Xen 3.0). Read in
xend's XendConfig.py and sxp.py (3.1 to 4.4).
"""

import re
from collections.abc import Iterator
from pathlib import Path

from shimtool.configs.sxp.devices import entry
from shimtool.configs.sxp.reader import Form, read
from shimtool.configs.xl.edit import MARKER, quoted
from shimtool.errors import Fault, fault, raise_all

_KEYS = {
    b"name": "name", b"uuid": "uuid", b"memory": "memory", b"maxmem": "maxmem",
    b"on_poweroff": "on_poweroff", b"on_reboot": "on_reboot", b"on_crash": "on_crash",
    b"cpu_weight": "cpu_weight", b"cpu_cap": "cap", b"pool_name": "pool",
}  # fmt: skip

_Setting = tuple[int, str, bytes | list[bytes]]  # line, xl's key, value


def translate(data: bytes, path: Path) -> bytes:
    """Return the config in xl's syntax; `path` is what errors name.

    Raises ShimtoolError for what is no SXP or several guests, and for devices that xl lacks.
    """
    if b"\0" in data:
        raise fault("not a text file: it holds NUL bytes", path, remedy="write it again")
    domain = _domain(read(data, path), path)
    found: dict[int, list[str]] = {}
    for line, key, value in _settings(domain, path):
        found.setdefault(line, []).append(f"{key} = {_in_xl_syntax(value)}")
    lines = data.removesuffix(b"\n").split(b"\n")
    return b"".join(
        "; ".join(found.get(number, [])).encode(errors="surrogateescape")
        + (b" " if number in found else b"")
        # A second blank: never the line that begins shimtool's own block.
        + MARKER
        + b" "
        + line.removesuffix(b"\r")
        + b"\n"
        for number, line in enumerate(lines, 1)
    )


def _domain(forms: list[Form], path: Path) -> Form:
    if len(forms) > 1:
        message = f"{len(forms)} guests, or more than a guest, in one file of xend's"
        remedy = "write a file for each: xm list -l GUEST > FILE"
        raise fault(message, path, forms[1].line, remedy=remedy)
    return forms[0]


def _in_xl_syntax(value: bytes | list[bytes]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_in_xl_syntax, value))}]"
    return quoted(value.decode(errors="surrogateescape"))


def _settings(domain: Form, path: Path) -> Iterator[_Setting]:
    for name, key in _KEYS.items():
        if (value := domain.value(name)) and not (name == b"cpu_weight" and b"." in value):
            yield domain.forms(name)[-1].line, key, value
    yield from _processors(domain)
    image = next((form for each in domain.forms(b"image") for form in each.forms()), Form(1))
    yield from _boot(domain, image)
    yield from _clock(image)
    yield from _devices(domain, path)


def _processors(domain: Form) -> Iterator[_Setting]:
    """Yield vcpus=, of which vcpu_avail may have some switched off, and cpus=."""
    for form in domain.forms(b"vcpus")[-1:]:
        count, mask = domain.value(b"vcpus"), domain.value(b"vcpu_avail")
        running = _running(count, mask)
        if running:
            yield form.line, "maxvcpus", count
        yield form.line, "vcpus", running or count
    for form in domain.forms(b"cpus")[-1:]:
        if words := form.words():
            yield form.line, "cpus", b",".join(words)
        inner = [b",".join(_all_words(each)) for lists in form.forms() for each in lists.forms()]
        if any(inner):
            yield form.line, "cpus", [each or b"all" for each in inner]


def _all_words(form: Form) -> list[bytes]:
    return [form.name, *form.words()] if form.name else []


def _running(count: bytes, mask: bytes) -> bytes | None:
    """Return how many of the vCPUs are on, where that is fewer than all."""
    if not re.fullmatch(rb"\d{1,3}", count) or not re.fullmatch(rb"\d{1,19}", mask):
        return None
    running = (int(mask) & ((1 << int(count)) - 1)).bit_count()
    return b"%d" % running if 0 < running < int(count) else None


def _clock(image: Form) -> Iterator[_Setting]:
    """Yield how its clock goes. With local time, the offset is what xend made of that."""
    names = (b"localtime", b"rtc_timeoffset", b"tsc_mode")
    found = [name for name in names if image.value(name) not in (b"", b"0")]
    for name in found:
        if name != b"rtc_timeoffset" or b"localtime" not in found:
            yield image.forms(name)[-1].line, name.decode(), image.value(name)


def _boot(domain: Form, image: Form) -> Iterator[_Setting]:
    """Yield what boots it. With a boot loader, kernel and ramdisk are what that found last."""
    if image.name == b"hvm":
        yield image.line, "builder", b"hvm"
    loader = domain.value(b"bootloader")
    if loader:
        yield domain.forms(b"bootloader")[-1].line, "bootloader", loader
        if words := domain.value(b"bootloader_args").split():
            yield domain.forms(b"bootloader_args")[-1].line, "bootloader_args", words
    else:
        for name, key in ((b"kernel", "kernel"), (b"ramdisk", "ramdisk")):
            if value := image.value(name):
                yield image.forms(name)[-1].line, key, value
    if line := _command_line(image):
        yield (image.forms(b"args") or [image])[-1].line, "cmdline", line


def _command_line(image: Form) -> bytes:
    """Join the kernel's line as xend did: root=, ip= where args has none, then args."""
    args, address, root = (image.value(name) for name in (b"args", b"ip", b"root"))
    if address and not re.search(rb"ip=[^ ]+", args):
        args = b"ip=%s %s" % (address, args)
    if root and b"root=" not in args:
        args = b"root=%s %s" % (root, args)
    return args


def _devices(domain: Form, path: Path) -> Iterator[_Setting]:
    lists: dict[str, tuple[int, list[bytes]]] = {}
    faults = []
    # xend ran the boot loader on the disk that is marked, libxl does on the first.
    for device in sorted(domain.forms(b"device"), key=_is_no_boot_disk):
        found = entry(device, path)
        if isinstance(found, Fault):
            faults.append(found)
        elif found:
            lists.setdefault(found[0], (device.line, []))[1].append(found[1])
    raise_all(faults)
    for key, (line, entries) in lists.items():
        yield line, key, entries


def _is_no_boot_disk(device: Form) -> bool:
    return not any(form.value(b"bootable") == b"1" for form in device.forms())
