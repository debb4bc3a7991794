"""What the tests of the xl reader share."""

from pathlib import Path

from shimtool.configs.xl.edit import edit
from shimtool.configs.xl.grammar import Items, Value
from shimtool.configs.xl.syntax import Document, parse, read_config
from shimtool.errors import Fault, ShimtoolError
from shimtool.model import ConfigEdits
from tests.support import libxlu

DATA = Path(__file__).parent / "data"
FIXTURES = sorted(path for path in DATA.glob("*.cfg"))
HERE = Path("guest.cfg")
EDITS = ConfigEdits(
    comment_out=(
        "kernel",
        "ramdisk",
        "root",
        "extra",
        "bootloader",
        "bootloader_args",
        "vfb",
        "ioports",
    ),
    settings=(
        ("builder", "hvm"),
        ("disk", ("phy:/dev/vg0/a,xvda2,w", 'devtype=cdrom,vdev=xvdb,target=/srv/it\'s "b".iso')),
        ("vif", ("mac=00:16:3e:00:00:01,bridge=xenbr0,type=vif",)),
        ("xen_platform_pci", 1),
        ("rtc_timeoffset", -3600),
        (
            "device_model_args_hvm",
            (
                "-device",
                "ahci,id=shim",
                "-drive",
                "if=none,id=shimcd,media=cdrom,readonly=on,format=raw,file=/srv/n.iso",
            ),
        ),
        ("ioports", ()),
    ),
)


def opened(path: Path) -> Document:
    return parse(read_config(path), path)


def document(data: bytes) -> Document | None:
    """Parse; None for a config that is refused."""
    try:
        return parse(data, HERE)
    except ShimtoolError:
        return None


def refusal(data: bytes) -> list[Fault]:
    """Return why a config is refused, nothing when it is not."""
    try:
        parse(data, HERE)
    except ShimtoolError as error:
        return list(error.faults)
    return []


def edited(data: bytes, edits: ConfigEdits = EDITS) -> bytes:
    return edit(parse(data, HERE), edits, ["Made by shimtool for tests.", "two\nlines"])


def tree(value: Value) -> libxlu.Tree:
    """Return a value as libxlu gives it."""
    if isinstance(value, Items):
        return [tree(item) for item in value.items]
    return value.text.encode(errors="surrogateescape")
