"""isolinux.cfg: what the boot loader of an ISO loads, and the words that it hands over."""

from shimtool.plan.command_line import LOADER_KERNEL_FILE

PRE_STAGE_FILE = "prestage"
SHIM_FILE = "xen-shim"
PARAMETERS_FILE = "params"
KERNEL_FILE = "kernel"
RAMDISK_FILE = "ramdisk"

_TEXT = """\
# Written by shimtool. No menu, no scripting: one line, passed on as it is.
DEFAULT shim
PROMPT 0
LABEL shim
  KERNEL mboot.c32
  APPEND {append}
"""


def with_pre_stage(*, ramdisk: bool) -> bytes:
    """Render the config for files in the order that container/prestage/modules.h wants."""
    names = [PRE_STAGE_FILE, SHIM_FILE, PARAMETERS_FILE, KERNEL_FILE]
    return _rendered([*names, RAMDISK_FILE] if ramdisk else names)


def without_pre_stage(shim_args: str, command_line: str, *, ramdisk: bool) -> bytes:
    """Render the config that holds both lines; the plan made sure that nothing in them ends one."""
    modules = [f"{SHIM_FILE} {shim_args}", f"{LOADER_KERNEL_FILE} {command_line}".rstrip(" ")]
    return _rendered([*modules, RAMDISK_FILE] if ramdisk else modules)


def _rendered(modules: list[str]) -> bytes:
    return _TEXT.format(append=" --- ".join(modules)).encode(errors="surrogateescape")
