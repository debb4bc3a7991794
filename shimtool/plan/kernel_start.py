"""What a shim needs in memory to start a guest's kernel.

One block, a power of two in size and aligned to it, that holds the unpacked kernel; itself; kernel
and ramdisk as they were loaded ("Not enough RAM for domain 0 allocation" otherwise). What a shim
4.17 did with Debian's kernels, some MiB more and less, agrees: see kinds.yaml.
"""

from shimtool.deferred import dataclass
from shimtool.model import BootImage, Compression, Kernel, Mode, Payload, Ramdisk, Wrapping
from shimtool.shims.kinds import memory_share

_PAGE = 4 << 10
_MIB = 1 << 20
_LARGE_PAGE = 2 * _MIB
_ALIGNED = 4 * _MIB  # the end of what Xen maps for a PV kernel at its start
_PADDING = 512 << 10  # of it at least, behind everything
_STEPS = 8  # towards a size that holds a list of its own pages

# What stays below the block where the pre-stage moves memory: 2 MiB with itself, then the shim as
# it was loaded (4.17: 8 MiB). Seen with 4.17, Debian's kernel and a ramdisk of 32 MiB: a guest of
# 272 MiB starts, one of 270 does not; this gives 275.
_STAYS = 10 * _MIB

# Where the boot loader puts the first file: behind what the pre-stage's image keeps for the shim
# (container/prestage/layout.h); and what it puts between files, the parameter file among it.
_FILES_START = 18 * _MIB
_BETWEEN_FILES = 64 << 10


@dataclass(frozen=True, slots=True)
class KernelStart:
    """A kernel's start in a container of a mode. Its facts must be known (KernelFacts.room)."""

    image: BootImage
    payload: Payload
    mode: Mode

    def least(self, size: int, *, moved: bool = False) -> int:
        """Return how many MiB a container must have at least.

        At least as few as `size`, if that is enough: some kernels want a list of all pages. With
        `moved` the pre-stage moves what lies in the way of the block.
        """
        needed = self._needed_if_moved if moved else self._needed
        found = size
        for _ in range(_STEPS):
            more = needed(found)
            if more <= found:
                break
            found = more
        return needed(found)

    def block(self, size: int) -> int:
        """Return the bytes of the block, were the container of `size` MiB."""
        return _power_of_two(_mapped(self.payload, self.mode, size))

    def end(self, size: int) -> int:
        """Return where the memory of a container of `size` MiB ends once it is moved, in MiB."""
        return max(size, 2 * size - _mib(self.block(size)))

    def _needed(self, size: int) -> int:
        """Return how many MiB are needed, were it for a list of `size` MiB's pages.

        The memory that the shim may take begins at 0, so that the first block of B bytes that
        nothing lies in ends at 2 B.
        """
        return _usable(2 * self.block(size) + self._loaded(), memory_share(self.image.shim, size))

    def _needed_if_moved(self, size: int) -> int:
        """As above, where all else lies behind the block.

        That is the first one in which none of the files lies that the boot loader loaded, and must
        be memory as a whole. The shim's share grows with where memory ends.
        """
        block, share = self.block(size), memory_share(self.image.shim, self.end(size))
        files = _FILES_START + self.image.shim.size + self._stored() + _BETWEEN_FILES
        before = -(-files // block) * block
        return max(
            _usable(_STAYS + block + self._loaded(), share),
            _usable(before + block, 0),
        )

    def _loaded(self) -> int:
        """Return the bytes of kernel and ramdisk as the shim gets them, with room to unpack."""
        kernel = _kernel_size(self.payload.kernel, unpack=self.image.unpack, mode=self.mode)
        return _pages(kernel) + _pages(_ramdisk_size(self.payload.ramdisk, self.mode))

    def _stored(self) -> int:
        """Return the bytes of kernel and ramdisk as the boot loader loads them."""
        kernel = self.payload.kernel
        assert kernel.facts.room is not None  # noqa: S101 - see above
        size = kernel.facts.room.image if self.image.unpack else kernel.file.size
        return _pages(size) + _pages(_ramdisk_size(self.payload.ramdisk, Mode.HVM))


def _usable(size: int, share: int) -> int:
    """Return how many MiB give so many bytes and the shim's share.

    Of a container two pages are Xen's, and half a large page is not used.
    """
    total = _mib(size) + share
    return total + 1 + total % 2


def _mapped(payload: Payload, mode: Mode, size: int) -> int:
    """Return the bytes of what Xen maps for the kernel to start with, from v_start to v_end.

    What follows the kernel: start_info, two pages, page tables (a few too many here) and stack.
    """
    facts = payload.kernel.facts
    assert facts.room is not None  # noqa: S101 - see KernelStart
    end = _pages(facts.room.loaded)
    if facts.room.maps_ramdisk:
        end += _pages(_ramdisk_size(payload.ramdisk, mode))
    if facts.room.maps_page_list:
        end += _pages(size * _MIB // _PAGE * facts.bits // 8)
    tables = end // _LARGE_PAGE + 16
    end += (4 + tables) * _PAGE
    aligned = -(-end // _ALIGNED) * _ALIGNED
    return aligned if aligned - end >= _PADDING else aligned + _ALIGNED


def _kernel_size(kernel: Kernel, *, unpack: bool, mode: Mode) -> int:
    """Return the bytes of the kernel's file in memory, with the room that it unpacks into."""
    facts, size = kernel.facts, kernel.file.size
    assert facts.room is not None  # noqa: S101 - as above
    packed = facts.compression
    if packed is Compression.NONE:
        return size
    unzipped = mode is Mode.PVH and packed is Compression.GZIP  # by xl, as it loads it
    if unpack or (unzipped and facts.wrapping is Wrapping.COMPRESSED_ELF):
        return facts.room.image
    if packed is Compression.GZIP:
        return size + facts.room.image + (facts.room.image >> 12) + 32786
    return size + facts.room.image + facts.payload[1]


def _ramdisk_size(ramdisk: Ramdisk | None, mode: Mode) -> int:
    """Return the bytes of the ramdisk in memory; for a PVH guest xl unzips it."""
    if ramdisk is None:
        return 0
    unzipped = ramdisk.unzipped if mode is Mode.PVH else None
    return max(ramdisk.file.size, unzipped or 0)


def _pages(size: int) -> int:
    """Round up to whole pages; what a hostile file says may be less than nothing."""
    return -(-max(0, size) // _PAGE) * _PAGE


def _mib(size: int) -> int:
    return -(-size // _MIB)


def _power_of_two(size: int) -> int:
    return 1 << (size - 1).bit_length()
