"""Which files of ours a converted domain names, for verify."""

from pathlib import PurePosixPath

from shimtool.libvirt.domain import Domain


def named(domain: Domain) -> list[tuple[str, str]]:
    """Return (what, dom0 path) of each file that the domain needs of us; none: not one of ours.

    The boot ISO is not named there: the device-model script takes NAME.iso beside itself.
    """
    kind, emulator = domain.root.find("os/type"), domain.root.find("devices/emulator")
    if kind and kind.text == "xenpvh":
        found = (("shim", domain.root.find("os/kernel")), ("initrd", domain.root.find("os/initrd")))
        texts = [(what, element.text) for what, element in found if element]
        own = [(what, text) for what, text in texts if what == "shim" or _is_pvgrub(text)]
        return [("PV GRUB image" if what == "initrd" else what, text) for what, text in own]
    if emulator is None or domain.name is None:
        return []
    iso = str(PurePosixPath(emulator.text).parent / f"{domain.name.text}.iso")
    return [("device-model script", emulator.text), ("boot ISO", iso)]


def _is_pvgrub(path: str) -> bool:
    return PurePosixPath(path).name.startswith("pvgrub-")
