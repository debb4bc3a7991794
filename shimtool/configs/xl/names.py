"""Which files of ours a converted xl config names, for verify."""

from collections.abc import Iterator

from shimtool.configs.xl.syntax import Document
from shimtool.errors import fault
from shimtool.model.outputs import OutputKind, kind_by_name

# Of QEMU's drive that holds the boot ISO.
BOOT_CD_ID = "shimtool-cd"


def outputs_named(document: Document) -> Iterator[tuple[OutputKind, str]]:
    """Yield (what, dom0 path) of each file that the config needs of us.

    Raises ShimtoolError for a config that is not of ours, or whose values are of the wrong kind.
    """
    if shim := document.string("pvshim_path"):
        yield OutputKind.SHIM, shim.text
        for named in (document.string("kernel"), document.string("ramdisk")):
            if named and (kind := kind_by_name(named.text)):
                yield kind, named.text
        return
    script = document.string("device_model_override")
    arguments = document.strings("device_model_args_hvm") or ()
    drives = [arg.text for arg in arguments if f"id={BOOT_CD_ID}," in arg.text]
    if not script or not drives:
        raise fault("not a config of ours: it names no boot ISO and no shim", document.path)
    yield OutputKind.DEVICE_MODEL, script.text
    yield OutputKind.ISO, drives[0].partition(",file=")[2].replace(",,", ",")
