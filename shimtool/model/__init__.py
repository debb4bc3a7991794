"""The one model that all layers pass on: frozen, with closed cases.

    config --reader--> Guest --plan(Host, Shim, Payload)--> Plan --writers--> NAME.iso, NAME.cfg

Text from configs is `str` decoded as UTF-8 with surrogateescape, so that any byte survives;
`os.fsencode` gives the bytes back. Paths called "dom0 paths" are strings as dom0 knows them;
`pathlib.Path` is always a path on this machine (inside the container).
"""

from shimtool.model.guest import (
    Boot,
    BootloaderBoot,
    ConfigString,
    Disk,
    Guest,
    GuestType,
    KernelBoot,
    NoBoot,
    Syntax,
    Vif,
)
from shimtool.model.payload import (
    Compression,
    Extracted,
    FilledFile,
    GuestDiskFile,
    Kernel,
    KernelFacts,
    KernelRoom,
    Payload,
    PvGrubRequest,
    Ramdisk,
    SourceFile,
    Wrapping,
)
from shimtool.model.plan import (
    BootImage,
    BootLoader,
    Caution,
    Concern,
    ConfigEdits,
    ConfigValue,
    Difference,
    Host,
    Memory,
    MemoryWish,
    Mode,
    Plan,
    PreStage,
    PvGrub,
    Settings,
    Shim,
    ShimKind,
)
from shimtool.model.vocabulary import XL, Vocabulary

__all__ = [
    "XL",
    "Boot",
    "BootImage",
    "BootLoader",
    "BootloaderBoot",
    "Caution",
    "Compression",
    "Concern",
    "ConfigEdits",
    "ConfigString",
    "ConfigValue",
    "Difference",
    "Disk",
    "Extracted",
    "FilledFile",
    "Guest",
    "GuestDiskFile",
    "GuestType",
    "Host",
    "Kernel",
    "KernelBoot",
    "KernelFacts",
    "KernelRoom",
    "Memory",
    "MemoryWish",
    "Mode",
    "NoBoot",
    "Payload",
    "Plan",
    "PreStage",
    "PvGrub",
    "PvGrubRequest",
    "Ramdisk",
    "Settings",
    "Shim",
    "ShimKind",
    "SourceFile",
    "Syntax",
    "Vif",
    "Vocabulary",
    "Wrapping",
]
