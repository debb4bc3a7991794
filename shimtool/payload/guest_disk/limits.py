"""What bounds the reading of hostile disks beside the jail: sizes, and one kind of error."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from shimtool.errors import ShimtoolError, fault
from shimtool.payload.jailed.answers import UnreadableError
from shimtool.payload.jailed.reader import import_all

FILE_LIMIT = 512 << 20  # bytes of a kernel or ramdisk; installers' ramdisks have 200 MB
ZEROS_LIMIT = 64 << 20  # zero bytes in one if they are most of it: holes cost a disk nothing
_SILENT = logging.NullHandler()

_READERS = (
    *("dissect.volume.disk", "dissect.volume.lvm", "dissect.volume.lvm.physical"),
    *("dissect.extfs", "dissect.xfs", "dissect.btrfs", "dissect.util.stream"),
)
FORMATS = {"qcow2": "dissect.hypervisor.disk.qcow2", "vhd": "dissect.hypervisor.disk.vhd"}


@contextmanager
def library_errors(what: str) -> Iterator[None]:
    """Turn whatever a library raises for damaged or hostile data into UnreadableError."""
    try:
        yield
    except (UnreadableError, ShimtoolError):
        raise
    except RecursionError:
        raise UnreadableError(f"{what}: nested too deep, or in circles") from None
    except MemoryError:
        raise UnreadableError(f"{what}: it takes too much memory to make sense of") from None
    # dissect raises nearly anything for data that does not fit: EOFError, KeyError, struct.error
    except Exception as error:  # noqa: BLE001 - see above
        why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise UnreadableError(f"{what}: {why[:200]}") from None


def import_dissect(name: str) -> Any:  # noqa: ANN401 - a module, and dissect's types are not ours
    """Import one of dissect's modules; ShimtoolError when it is not installed."""
    # The library logs what it finds odd; what matters of it is raised, and nothing else printed.
    logging.getLogger("dissect").addHandler(_SILENT)
    warnings.filterwarnings("ignore", category=SyntaxWarning, module="<unknown>")  # LVM's text
    try:
        return import_module(name)
    except ImportError:
        raise fault(
            f"the Python package {'.'.join(name.split('.')[:2])} is needed to read a guest's disk"
            " and is not installed",
            remedy="pip install 'shimtool[disks]', or use the container image, which has it",
        ) from None


def import_readers(kinds: Iterable[str]) -> None:
    """Import all that the jail may need, as nothing can be imported there; `kinds` of images.

    Raises ShimtoolError when one of dissect's modules is not installed.
    """
    for name in (*_READERS, *(FORMATS[kind] for kind in kinds if kind in FORMATS)):
        import_dissect(name)
    import_all()
