"""What a shim's ELF headers tell, read with pyelftools: whether it is whole, and its notes."""

import io
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from shimtool.errors import ShimtoolError, fault

MOST_SEGMENTS = 64  # Xen's has two
MOST_NOTE_BYTES = 1 << 16  # Xen's: 56
AGAIN = "copy or download it again"
OTHER_BUILD = "give xen-shim of an x86 build of Xen"


def read_notes(data: bytes, place: Path | str) -> tuple[set[int | str], str | None]:
    """Return the types of Xen's notes in a 32-bit x86 ELF program, and GNU's build-id (hex).

    Raises ShimtoolError about `place` for anything else, and for one that is damaged or cut off.
    """
    if data[:4] != b"\x7fELF":
        what = "a Linux bzImage or an EFI program" if data[:2] == b"MZ" else "not an ELF file"
        raise fault(
            f"{what}, so not a shim",
            place,
            seen=f"first bytes {data[:8].hex(' ')}",
            remedy="give xen-shim as an ELF file; `shimtool shims add` also unpacks "
            ".gz, .deb, .rpm and .apk",
        )
    try:
        elf = ELFFile(io.BytesIO(data))
        if wrong := _other(elf) or _damage(elf, len(data)):
            raise fault(wrong[0], place, remedy=wrong[1])
        return _notes(elf)
    except ShimtoolError:
        raise
    except Exception:  # noqa: BLE001 - on bad bytes pyelftools raises more than its ELFError
        message = "damaged or cut off: its ELF headers or notes are not sound"
        raise fault(message, place, remedy=AGAIN) from None


def _other(elf: ELFFile) -> tuple[str, str] | None:
    """Say what it is instead of a 32-bit x86 program, and the remedy."""
    if elf.elfclass != 32:
        return (
            "a 64-bit ELF file; a shim is a 32-bit one, as loaders start it in 32-bit mode",
            "give xen-shim, not xen-syms, xen-shim-syms or a Linux vmlinux",
        )
    if not elf.little_endian:
        return "not a little-endian ELF file", OTHER_BUILD
    if elf["e_machine"] != "EM_386":
        machine = elf["e_machine"]
        return f"an ELF file for another machine ({machine}), a shim is 32-bit x86", OTHER_BUILD
    if elf["e_type"] != "ET_EXEC":  # a core dump's notes would be taken for other things
        return f"an ELF file that is no program ({elf['e_type']})", OTHER_BUILD
    return None


def _damage(elf: ELFFile, size: int) -> tuple[str, str] | None:
    """Say which headers do not fit the file, and the remedy."""
    if not 0 < elf["e_phnum"] <= MOST_SEGMENTS:
        return f"damaged ELF header: {elf['e_phnum']} program headers", AGAIN
    # No boot loader reads sections, and pyelftools would believe any number of them.
    elf.header["e_shoff"] = 0
    end = max(segment["p_offset"] + segment["p_filesz"] for segment in elf.iter_segments())
    if end > size:
        return f"the file is cut off: segments reach to byte {end}, it ends at {size}", AGAIN
    return None


def _notes(elf: ELFFile) -> tuple[set[int | str], str | None]:
    areas = [segment for segment in elf.iter_segments() if isinstance(segment, NoteSegment)]
    if sum(area["p_filesz"] for area in areas) > MOST_NOTE_BYTES:
        raise ValueError("more notes than any shim has")
    notes = [note for area in areas for note in area.iter_notes()]
    # pyelftools names types 1 to 5 as GNU's, whoever owns the note; the others stay numbers.
    xen: set[int | str] = {note["n_type"] for note in notes if note["n_name"] == "Xen"}
    gnu = [note for note in notes if note["n_name"] == "GNU"]
    ids = [note["n_desc"] for note in gnu if note["n_type"] == "NT_GNU_BUILD_ID"]
    return xen, next((digits for digits in ids if len(digits) == 40), None)  # SHA-1, as Xen's
