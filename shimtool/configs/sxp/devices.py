"""Devices that xend kept, as entries of xl's keys."""

from pathlib import Path

from shimtool.configs.sxp.reader import Form
from shimtool.errors import Fault, Location

_HERE = (b"", b"0", b"Domain-0")  # back ends in dom0
_VIF = (b"mac", b"bridge", b"ip", b"script", b"vifname", b"model", b"type", b"rate")
_VFB = (
    b"type", b"vnc", b"vncunused", b"vncdisplay", b"vnclisten", b"vncpasswd", b"sdl", b"opengl",
    b"display", b"xauthority", b"keymap",
)  # fmt: skip
# Every PV guest has these without being asked.
_ALWAYS = (b"vkbd", b"console", b"suspend")
# Hardware is refused, whichever it is.
_HARDWARE = {b"pci": "pci", b"ioports": "ioports", b"irq": "irqs", b"vtpm": "vtpm"}


def entry(device: Form, path: Path) -> tuple[str, bytes] | Fault | None:
    """Return xl's key and the entry for one device; None where xl needs none."""
    (form,) = device.forms()[:1] or (Form(device.line),)
    kind = form.name
    if kind in (b"vbd", b"tap", b"tap2"):
        return "disk", _disk(form)
    if kind == b"vif":
        return "vif", b",".join([*_pairs(form, _VIF), *_backend(form)])
    if kind == b"vfb":
        return "vfb", b",".join(_pairs(form, _VFB))
    if kind in _HARDWARE:
        return _HARDWARE[kind], kind
    if kind in _ALWAYS:
        return None
    return Fault(
        "a device of xend's that xl cannot give to a guest",
        Location(path, device.line),
        kind.decode(errors="backslashreplace"),
        "remove it, or leave this guest PV",
    )


def _disk(form: Form) -> bytes:
    """Return xm's own form: TARGET,VDEV,MODE, which xl reads too."""
    vdev = form.value(b"dev").removesuffix(b":disk").removeprefix(b"/dev/")
    words = [form.value(b"uname"), vdev, form.value(b"mode") or b"w", *_backend(form)]
    return b",".join(words)


def _pairs(form: Form, names: tuple[bytes, ...]) -> list[bytes]:
    return [b"%s=%s" % (name, value) for name in names if (value := form.value(name))]


def _backend(form: Form) -> list[bytes]:
    domain = form.value(b"backend")
    return [] if domain in _HERE else [b"backend=" + domain]
