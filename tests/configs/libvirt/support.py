"""What the tests of libvirt domains share."""

import shutil
import subprocess
from pathlib import Path

from shimtool.configs.libvirt.domain import Domain, parse
from shimtool.model import (
    BootImage,
    Compression,
    Kernel,
    KernelFacts,
    Mode,
    Payload,
    Shim,
    SourceFile,
    Wrapping,
)
from tests.support import debs
from tests.support.dom0 import Dom0, make_dom0

DATA = Path(__file__).parent / "data"
HERE = Path("guest.xml")
CASES = sorted(DATA.glob("*.xml"))
GOOD = [path for path in CASES if not path.name.startswith("refused-")]


def domain(data: bytes | str) -> Domain:
    return parse(data.encode() if isinstance(data, str) else data, HERE)


def make_host(root: Path) -> Dom0:
    """Return a dom0 that has PV GRUB in its /boot too."""
    dom0 = make_dom0(root)
    image = debs.ROOT / "build/assets/pvgrub/grub-x86_64-xen.bin"
    shutil.copy(image, dom0.boot / image.name)
    return dom0


def small(inside: str = "", devices: str = "", attributes: str = "type='xen'") -> str:
    """Return a domain that is fine but for what the caller adds."""
    return (
        f"<domain {attributes}>\n<name>n</name>\n<memory>524288</memory>\n"
        f"<os><type>linux</type><kernel>/boot/k</kernel></os>\n{inside}\n"
        f"<devices>{devices}</devices>\n</domain>\n"
    )


def validates(path: Path) -> str:
    """Hold a file against libvirt's own schema; return what it complains of."""
    done = subprocess.run(
        ["virt-xml-validate", path, "domain"],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,  # only a guard against hanging
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def image() -> BootImage:
    """Return a boot image of PV GRUB, of files that nobody opens."""
    file = SourceFile("/k", Path("/k"), 1, "ab" * 32, (0, 0, 0, 0))
    kernel = Kernel(file, KernelFacts(Wrapping.ELF, Compression.NONE, (0, 1), 64, True))
    shim = Shim("s", Path("/s"), 1, "cd" * 32, None, "4.17.0", frozenset(Mode), "-")
    return BootImage(shim, "pv-shim console=xen,pv maxcpus=1", Payload(kernel), "")
