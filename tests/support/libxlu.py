"""The real thing: libxlutil and libxenlight of Debian's Xen 4.17, called through ctypes.

The libraries come out of Debian's packages and are loaded from there, in order of dependency;
nothing is installed and no Xen is needed. Reports go to a memory stream (a FILE* of libc).
"""

import ctypes
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import byref, c_char_p, c_int, c_long, c_size_t, c_void_p
from dataclasses import dataclass
from functools import cache

from tests.support import debs

# A value as libxlu has it: a string, or a list of values.
Tree = bytes | list["Tree"]

PACKAGES = (
    ("libxentoolcore1", "libxentoolcore.so.1"),
    ("libxentoollog1", "libxentoollog.so.1"),
    ("libxencall1", "libxencall.so.1"),
    ("libxenevtchn1", "libxenevtchn.so.1"),
    ("libxengnttab1", "libxengnttab.so.1"),
    ("libxenforeignmemory1", "libxenforeignmemory.so.1"),
    ("libxendevicemodel1", "libxendevicemodel.so.1"),
    ("libxenhypfs1", "libxenhypfs.so.1"),
    ("libxenstore4", "libxenstore.so.4"),
    ("libuuid1", "libuuid.so.1"),
    ("libyajl2", "libyajl.so.2"),
    ("libxenmisc4.17", "libxenctrl.so.4.17"),
    ("libxenmisc4.17", "libxenguest.so.4.17"),
    ("libxenmisc4.17", "libxenlight.so.4.17"),
    ("libxenmisc4.17", "libxlutil.so.4.17"),
)
_SIGNATURES: dict[str, tuple[type | None, list[type]]] = {
    "xlu_cfg_init": (c_void_p, [c_void_p, c_char_p]),
    "xlu_cfg_destroy": (None, [c_void_p]),
    "xlu_cfg_readdata": (c_int, [c_void_p, c_char_p, c_int]),
    "xlu_cfg_get_string": (c_int, [c_void_p, c_char_p, c_void_p, c_int]),
    "xlu_cfg_get_long": (c_int, [c_void_p, c_char_p, c_void_p, c_int]),
    "xlu_cfg_get_list": (c_int, [c_void_p, c_char_p, c_void_p, c_void_p, c_int]),
    "xlu_cfg_get_listitem2": (c_void_p, [c_void_p, c_int]),
    "xlu_cfg_value_get_string": (c_int, [c_void_p, c_void_p, c_void_p, c_int]),
    "xlu_cfg_value_get_list": (c_int, [c_void_p, c_void_p, c_void_p, c_int]),
    "xlu_disk_parse": (c_int, [c_void_p, c_int, c_void_p, c_void_p]),
    "libxl_device_disk_init": (None, [c_void_p]),
    "libxl_device_disk_dispose": (None, [c_void_p]),
    "libxl_device_disk_gen_json": (c_int, [c_void_p, c_void_p]),
    "yajl_gen_alloc": (c_void_p, [c_void_p]),
    "yajl_gen_get_buf": (c_int, [c_void_p, c_void_p, c_void_p]),
    "yajl_gen_free": (None, [c_void_p]),
    "open_memstream": (c_void_p, [c_void_p, c_void_p]),
    "fflush": (c_int, [c_void_p]),
    "fclose": (c_int, [c_void_p]),
    "free": (None, [c_void_p]),
}
_DISK_ROOM = 4096  # bytes; libxl_device_disk takes some 200


@cache
def _library() -> ctypes.CDLL:
    for package, name in PACKAGES:
        (path,) = debs.unpacked(package).glob(f"**/x86_64-linux-gnu/{name}")
        library = ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    # A library handle finds symbols of what it depends on too, libc included.
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class _Report:
    """A FILE* that collects what libxlu complains about."""

    def __init__(self) -> None:
        self._text, self._size = c_void_p(), c_size_t()
        self.stream = _library().open_memstream(byref(self._text), byref(self._size))

    def text(self) -> bytes:
        _library().fflush(self.stream)
        return ctypes.string_at(self._text.value or 0, self._size.value)

    def close(self) -> None:
        _library().fclose(self.stream)
        _library().free(self._text)


@dataclass
class Reading:
    """What libxlu made of a config: its complaints, and its values while it is open."""

    handle: int
    accepted: bool
    complaints: bytes

    def value(self, key: str) -> Tree | None:
        library, name = _library(), key.encode()
        text, items, count = c_char_p(), c_void_p(), c_int()
        if library.xlu_cfg_get_string(self.handle, name, byref(text), 1) == 0:
            return text.value or b""
        if library.xlu_cfg_get_list(self.handle, name, byref(items), byref(count), 1) == 0:
            return self._items(items)
        return None

    def integer(self, key: str) -> int | None:
        number = c_long()
        failed = _library().xlu_cfg_get_long(self.handle, key.encode(), byref(number), 1)
        return None if failed else number.value

    def _items(self, items: c_void_p) -> list[Tree]:
        found: list[Tree] = []
        while item := _library().xlu_cfg_get_listitem2(items, len(found)):
            text, inner = c_char_p(), c_void_p()
            if _library().xlu_cfg_value_get_string(self.handle, item, byref(text), 1) == 0:
                found.append(text.value or b"")
            else:
                assert not _library().xlu_cfg_value_get_list(self.handle, item, byref(inner), 1)
                found.append(self._items(inner))
        return found

    def lines(self) -> list[int]:
        """Return the lines of its errors; an error at a newline is named one line early."""
        pattern = rb"^F:(\d+): config parsing error near (.*)$"
        found = re.finditer(pattern, self.complaints, re.MULTILINE)
        return [int(match[1]) + (b"unexpected NEWLINE" in match[2]) for match in found]


@contextmanager
def reading(data: bytes) -> Iterator[Reading]:
    """Let libxlu read a config."""
    library, report = _library(), _Report()
    handle = library.xlu_cfg_init(report.stream, b"F")
    try:
        error = library.xlu_cfg_readdata(handle, data, len(data))
        yield Reading(handle, error == 0, report.text())
    finally:
        library.xlu_cfg_destroy(handle)
        report.close()


def _json(room: "ctypes.Array[ctypes.c_char]") -> dict[str, object]:
    """Return what libxl's own JSON writer says of a libxl_device_disk, so no layout is assumed."""
    library, text, size = _library(), c_char_p(), c_size_t()
    writer = library.yajl_gen_alloc(None)
    assert library.libxl_device_disk_gen_json(writer, room) == 0
    assert library.yajl_gen_get_buf(writer, byref(text), byref(size)) == 0
    found = json.loads((text.value or b"")[: size.value].decode(errors="surrogateescape"))
    library.yajl_gen_free(writer)
    return dict(found)


def disk(entry: bytes) -> dict[str, object] | None:
    """Return libxl's own JSON of a disk= entry as libxlu reads it, None when it refuses it."""
    library, report = _library(), _Report()
    handle = library.xlu_cfg_init(report.stream, b"F")
    room = ctypes.create_string_buffer(_DISK_ROOM)
    library.libxl_device_disk_init(room)
    try:
        if library.xlu_disk_parse(handle, 1, byref(c_char_p(entry)), room):
            return None
        return _json(room)
    finally:
        library.libxl_device_disk_dispose(room)
        library.xlu_cfg_destroy(handle)
        report.close()
