"""libvirt's own Xen driver, run without Xen: what would it tell libxl to do for this domain?

As a program: DRIVER.so DOMAIN.xml. Prints one JSON document: {"libxl": what the driver hands to
libxl, "xml": the domain as libvirt keeps it} or {"refused": why}. The driver and libvirt are
Debian's binaries; only what they would ask of the hypervisor (which guests it can run) is filled
in here, at the offsets that libvirt 9.0.0 has on amd64 (src/libxl/libxl_conf.h).
"""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support import debs

PACKAGES = (
    *("libvirt0", "libvirt-daemon-driver-xen", "libxenmisc4.17", "libxenstore4", "libfdt1"),
    *("libxentoollog1", "libxencall1", "libxendevicemodel1", "libxenevtchn1", "libxengnttab1"),
    *("libxenforeignmemory1", "libxenhypfs1", "libxentoolcore1", "libyajl2"),
)
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_CONFIG_CONTEXT, _CONFIG_CAPABILITIES, _DRIVER_CONFIG = 48, 88, 48
_HVM, _XEN, _XENPVH, _VIRT_XEN, _INACTIVE = 0, 1, 5, 4, 2
Pointer = ctypes.c_void_p


def ask(path: Path) -> dict[str, Any]:
    """Return what the program prints for this file."""
    folders = [debs.unpacked(package) / _LIBRARIES for package in PACKAGES]
    driver = folders[1] / "libvirt/connection-driver/libvirt_driver_libxl.so"
    done = subprocess.run(
        [sys.executable, "-m", "tests.configs.libvirt.driver", driver, path],
        env={**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, folders))},
        cwd=debs.ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,  # only a guard against hanging
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _main(driver: str, xml: bytes) -> dict[str, Any]:
    virt = ctypes.CDLL("libvirt.so.0", mode=ctypes.RTLD_GLOBAL)
    libxl = ctypes.CDLL("libxenlight.so.4.17", mode=ctypes.RTLD_GLOBAL)
    xen = ctypes.CDLL(driver)
    # Of each function: arguments and result.
    why = _function(virt, "virGetLastErrorMessage", ctypes.c_char_p)
    text, number = ctypes.c_char_p, ctypes.c_uint
    read = _function(virt, "virDomainDefParseString", Pointer, text, Pointer, Pointer, number)
    write = _function(virt, "virDomainDefFormat", text, Pointer, Pointer, number)
    build = _function(xen, "libxlBuildDomainConfig", ctypes.c_int, *[Pointer] * 4)
    show = _function(libxl, "libxl_domain_config_to_json", text, Pointer, Pointer)
    options = _function(xen, "libxlCreateXMLConf", Pointer, Pointer)
    ports = _function(virt, "virPortAllocatorRangeNew", Pointer, text, *[ctypes.c_ushort] * 2)

    virt.virInitialize()
    config = _function(xen, "libxlDriverConfigNew", Pointer)()
    context, conf = (ctypes.create_string_buffer(1 << 16) for _ in range(2))
    own = ctypes.create_string_buffer(1 << 10)
    _put(config + _CONFIG_CONTEXT, ctypes.addressof(context))
    _put(config + _CONFIG_CAPABILITIES, _capabilities(virt))
    _put(ctypes.addressof(own) + _DRIVER_CONFIG, config)
    rules = options(ctypes.addressof(own))
    domain = read(xml, rules, None, _INACTIVE)
    if not domain:
        return {"refused": why().decode(errors="replace")}
    kept = write(domain, rules, _INACTIVE).decode()
    libxl.libxl_domain_config_init(conf)
    if build(ports(b"vnc", 5900, 6000), domain, config, ctypes.addressof(conf)) < 0:
        return {"refused": why().decode(errors="replace")}
    told = json.loads(show(ctypes.addressof(context), ctypes.addressof(conf)))
    return {"libxl": told, "xml": kept}


def _capabilities(virt: ctypes.CDLL) -> int:
    """A host that runs PV, HVM and PVH guests of both widths."""
    integer, flag = ctypes.c_int, ctypes.c_bool
    width = _function(virt, "virArchFromString", integer, ctypes.c_char_p)
    new = _function(virt, "virCapabilitiesNew", Pointer, integer, flag, flag)
    rest = (Pointer, Pointer, integer, Pointer)
    guest = _function(virt, "virCapabilitiesAddGuest", Pointer, Pointer, integer, integer, *rest)
    domain = _function(virt, "virCapabilitiesAddGuestDomain", Pointer, Pointer, integer, *rest)
    made = new(width(b"x86_64"), True, True)
    for arch in (b"x86_64", b"i686"):
        for kind in (_HVM, _XEN, _XENPVH):
            added = guest(made, kind, width(arch), None, None, 0, None)
            domain(added, _VIRT_XEN, None, None, 0, None)
    return int(made)


def _function(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Any:  # noqa: ANN401 - ctypes has no types for types
    found = getattr(library, name)
    found.restype, found.argtypes = result, arguments
    return found


def _put(place: int, value: int) -> None:
    ctypes.cast(place, ctypes.POINTER(Pointer))[0] = value


if __name__ == "__main__":
    print(json.dumps(_main(sys.argv[1], Path(sys.argv[2]).read_bytes())))
