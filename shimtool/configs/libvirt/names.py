"""Which files of ours a converted domain names, for verify."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from shimtool.configs.libvirt.convert import is_ours
from shimtool.configs.libvirt.domain import Domain
from shimtool.errors import fault
from shimtool.model.outputs import OutputKind, kind_by_name


def outputs_named(domain: Domain) -> Iterator[tuple[OutputKind, str]]:
    """Yield (what, dom0 path) of each file that the domain needs of us.

    The boot ISO is not named there: the device-model script takes NAME.iso beside itself.
    Raises ShimtoolError for a domain that is not of ours.
    """
    if not is_ours(domain):
        raise fault("not a config of ours: shimtool did not convert it", domain.path)
    kernel, started = domain.root.find("os/kernel"), domain.root.find("os/initrd")
    if kernel:
        yield OutputKind.SHIM, kernel.text
        if started and (kind := kind_by_name(started.text)):
            yield kind, started.text
        return
    emulator, name = domain.root.find("devices/emulator"), domain.name
    if not emulator or not name:
        raise fault("the domain names neither a shim nor a device model", domain.path)
    yield OutputKind.DEVICE_MODEL, emulator.text
    yield OutputKind.ISO, f"{PurePosixPath(emulator.text).parent}/{name.text}.iso"
