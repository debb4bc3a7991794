"""What takes pygrub's place: PV GRUB, or what pygrub would take out of the disk, taken now."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from shimtool.deferred import dataclass
from shimtool.dom0.paths import SearchPaths
from shimtool.errors import Code, ShimtoolError, coded
from shimtool.model import (
    BootLoader,
    BootloaderBoot,
    Guest,
    Kernel,
    Payload,
    PvGrub,
    Settings,
)
from shimtool.payload import own_disk
from shimtool.payload.own_disk import Unseen
from shimtool.payload.pvgrub import asking
from shimtool.plan import pvgrub
from shimtool.plan.bootloader import is_pygrub

if TYPE_CHECKING:
    from shimtool.payload.guest_disk.answers import Glimpse

_MEND = "mend what is named below, so that kernel and ramdisk can be taken out of the disk"


@dataclass(frozen=True, slots=True)
class PygrubGuest:
    """A guest whose boot loader does not stay."""

    guest: Guest
    boot: BootloaderBoot
    search_paths: SearchPaths
    settings: Settings

    def payload(self, image: Callable[[PvGrub], Kernel]) -> Payload:
        """Find what the shim will start; `image` gives PV GRUB's, of a width.

        PV GRUB, where it can do as the config says and start what the disk has, or the disk cannot
        or must not be looked at. Raises ShimtoolError.
        """
        if not is_pygrub(self.boot):  # the plan refuses it
            return Payload(image(PvGrub.X86_64))
        seen = self._seen()
        why = self._unable(seen)
        if why is not None:
            return self._extracted(why)
        if isinstance(seen, Unseen):
            return self._by_pvgrub(image(self.settings.pvgrub or PvGrub.X86_64), seen.why)
        return self._by_pvgrub(image(pvgrub.of_width(seen.bits)))

    def _seen(self) -> "Glimpse | Unseen":
        """Look at the disk, where that may and can be done."""
        wanted = self.settings
        by_name = wanted.boot_loader is BootLoader.PVGRUB or wanted.pvgrub is not None
        if by_name or wanted.extract is not None or self._ignored():
            return Unseen("The disk was not looked at, as asked.")
        return own_disk.glance(self.guest, self.boot, self.search_paths)

    def _unable(self, seen: "Glimpse | Unseen") -> str | None:
        """Say why PV GRUB is not taken; "" where extraction was asked for, None where it is."""
        if self.settings.extract is not None:
            return "" if self.settings.extract else None
        if ignored := self._ignored():
            return f"PV GRUB cannot honour {' and '.join(ignored)}"
        if isinstance(seen, Unseen):
            return None
        return pvgrub.cannot_start(seen.compression, seen.not_for_grub) or None

    def _ignored(self) -> list[str]:
        return pvgrub.ignored_options(self.guest, self.boot)

    def _by_pvgrub(self, image: Kernel, unseen: str = "") -> Payload:
        """Ask the config's wishes of PV GRUB; the plan refuses what it cannot be asked for."""
        request = pvgrub.request(self.guest, self.boot)
        payload = Payload(image, pvgrub=request, unseen=unseen)
        if pvgrub.payload_faults(self.guest, payload):
            return payload
        return replace(payload, kernel=asking(image, request))

    def _extracted(self, because: str) -> Payload:
        """Extract; where that was not asked for, a failure also says what PV GRUB cannot do."""
        guest, boot = self.guest, self.boot
        try:
            return own_disk.extracted(guest, boot, self.search_paths, because)
        except ShimtoolError as error:
            others = pvgrub.faults(guest, boot) if because else []
            if because and not others:
                others = [guest.fault("bootloader", because, boot.program.text, _MEND)]
            of_disk = coded(Code.GUEST_DISK, error.faults)
            raise ShimtoolError(*coded(Code.BOOT_LOADER, others), *of_disk) from None
