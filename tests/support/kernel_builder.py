"""Kernels made by code, and Debian's own ones in other wrappings."""

import bz2
import lzma
import os
import random
import struct
import subprocess
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import zstandard

from shimtool.model import Compression
from tests.support import debs

PV_NOTES = {1: b"\x00\x10\x20\x30", 5: b"xen-3.0\0", 6: b"linux\0", 7: b"2.6\0", 8: b"generic\0"}
LEGACY = (
    b"GUEST_OS=linux,GUEST_VER=2.6,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,"
    b"HYPERCALL_PAGE=0x1,PAE=yes,LOADER=generic\0"
)


def notes(values: dict[int, bytes], name: bytes = b"Xen\0") -> bytes:
    """Lay out an ELF note segment."""
    out = b""
    for kind, value in values.items():
        pad = b"\0" * (-len(value) % 4)
        out += struct.pack("<III", len(name), len(value), kind) + name + value + pad
    return out


def elf(  # noqa: PLR0913 - every argument is one header field to vary
    *,
    bits: int = 64,
    segment: bytes = b"",
    sections: dict[bytes, tuple[int, bytes]] | None = None,
    body: bytes = b"",
    machine: int | None = None,
    kind: int = 2,
) -> bytes:
    """Build an executable: header, program headers, body, notes, sections, name table.

    `sections` maps a name to (sh_type, content).
    """
    wide = bits == 64
    head_size, ph_size, sh_size = (64, 56, 64) if wide else (52, 32, 40)
    machine = machine or (62 if wide else 3)
    at = head_size + ph_size
    content = body + segment
    segment_at = at + len(body)
    rows, names = [(0, 0, 0, 0)], b"\0"
    for name, (sh_type, data) in (sections or {}).items():
        rows.append((len(names), sh_type, at + len(content), len(data)))
        names += name + b"\0"
        content += data
    rows.append((len(names), 3, at + len(content), len(names) + 10))
    names += b".shstrtab\0"
    content += names
    shoff = at + len(content)
    tail = (head_size, ph_size, 1 if segment else 0, sh_size, len(rows), len(rows) - 1)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    head = struct.pack("<HHI", kind, machine, 1)
    head += struct.pack("<QQQI6H" if wide else "<IIII6H", 0, head_size, shoff, 0, *tail)
    if wide:
        program = struct.pack("<IIQQQQQQ", 4, 4, segment_at, 0, 0, len(segment), 0, 4)
    else:
        program = struct.pack("<8I", 4, segment_at, 0, 0, len(segment), 0, 4, 4)
    table = b"".join(_section(row, wide=wide) for row in rows)
    return ident + head + program + content + table


def _section(row: tuple[int, int, int, int], *, wide: bool) -> bytes:
    name, kind, offset, size = row
    return struct.pack(
        "<IIQQQQIIQQ" if wide else "<10I", name, kind, 0, 0, offset, size, 0, 0, 4, 0
    )


def bzimage(payload: bytes, *, protocol: int = 0x20C, version: bytes = b"4.9.0-made x y") -> bytes:
    """Build a bzImage of one setup sector around a payload."""
    head = bytearray(1024)
    head[0x1F1] = 1
    head[0x1FE:0x200] = b"\x55\xaa"
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, protocol)
    struct.pack_into("<H", head, 0x20E, 0x100)
    head[0x300 : 0x300 + len(version)] = version
    struct.pack_into("<II", head, 0x248, 64, len(payload))
    return bytes(head) + bytes(64) + payload + b"end of file"


def rewrapped(payload: bytes) -> bytes:
    """Put another payload into Debian's own bzImage."""
    old = debs.kernel().read_bytes()
    start = (old[0x1F1] + 1) * 512
    offset, _ = struct.unpack_from("<II", old, 0x248)
    fresh = bytearray(old[: start + offset])
    struct.pack_into("<I", fresh, 0x24C, len(payload))
    return bytes(fresh) + payload


@cache
def vmlinux() -> bytes:
    """Return the ELF image inside Debian's kernel: real, 66 MB."""
    data = debs.kernel().read_bytes()
    at = (data[0x1F1] + 1) * 512 + int.from_bytes(data[0x248:0x24C], "little")
    return lzma.LZMADecompressor().decompress(data[at:])


@cache
def packed_vmlinux(kind: Compression, *, whole: bool = False) -> tuple[bytes, bytes]:
    """Return Debian's ELF image and what it compresses to; made once, then kept on disk.

    Unless it must be `whole`, the slow packers get its first 26 MiB: the notes end at 24 MB.
    """
    slow = kind in (Compression.BZIP2, Compression.LZMA, Compression.XZ)
    image = vmlinux()[: 26 << 20] if slow and not whole else vmlinux()
    kept = debs.CACHE / "kernels" / f"{debs.kernel().name}.{'whole.' * whole}{kind}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(packed(image, kind))
        fresh.rename(kept)
    return image, kept.read_bytes()


def packed(data: bytes, kind: Compression, *, sized: bool = True) -> bytes:
    """Compress as Linux's build does; `sized` appends the unpacked size where that does."""
    made = _PACKERS[kind](data)
    trailer = sized and kind not in (Compression.GZIP, Compression.NONE)
    return made + struct.pack("<I", len(data)) if trailer else made


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress(data) + packer.flush()


def _zstd(data: bytes) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    made: bytes = packer.compress(data) + packer.flush()  # no content size, as from a pipe
    return made


def _lzop(data: bytes) -> bytes:
    libraries = debs.unpacked("liblzo2-2") / "lib/x86_64-linux-gnu"
    program = debs.unpacked("lzop") / "usr/bin/lzop"
    return _pipe(program, "-1", data=data, LD_LIBRARY_PATH=str(libraries))


def _lz4(data: bytes) -> bytes:
    return _pipe(debs.unpacked("lz4") / "usr/bin/lz4", "-l", "-c", "-", data=data)


def _pipe(program: Path, *options: str, data: bytes, **environment: str) -> bytes:
    words = [str(program), *options]
    done = subprocess.run(
        words, input=data, env={**os.environ, **environment}, capture_output=True, check=True
    )
    made: bytes = done.stdout
    return made


_PACKERS: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.NONE: lambda data: data,
    Compression.GZIP: _gzip,
    Compression.BZIP2: lambda data: bz2.compress(data, 1),
    Compression.LZMA: lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=0),
    Compression.XZ: lambda data: lzma.compress(data, check=lzma.CHECK_CRC32, preset=0),
    Compression.LZO: _lzop,
    Compression.LZ4: _lz4,
    Compression.ZSTD: _zstd,
}


def write(folder: Path, data: bytes, name: str = "vmlinuz") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@cache
def small_kernel(version: bytes = b"6.1.0-made-up", *, plain: bool = False) -> bytes:
    """A small PV kernel, as a bzImage; `plain`: without it, so that an ISO holds it unpacked."""
    noise = random.Random(1).randbytes(400_000)  # noqa: S311 - filler
    image = elf(segment=notes(PV_NOTES), body=version + noise)
    whole = packed(image, Compression.GZIP)
    return whole if plain else bzimage(whole, version=version)
