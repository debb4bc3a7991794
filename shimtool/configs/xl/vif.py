"""Entries of vif=: options separated by commas, as xl 4.17 splits them."""

from pathlib import Path

from shimtool.errors import fault
from shimtool.model import ConfigString, Vif


def parse_vif(entry: ConfigString, path: Path) -> Vif:
    """Read one entry of vif=; an empty one is an interface with all defaults.

    Blanks around keys and values do not count. Raises ShimtoolError for an option without `=`,
    which xl refuses; unknown keys are kept, since each Xen version has its own.
    """
    pairs = [option.partition("=") for option in _options(entry.text)]
    if bad := [key.strip() for key, equals, _ in pairs if not equals]:
        raise fault(
            f"xl cannot read this vif entry: {bad[0][:60]} has no value",
            path,
            entry.line,
            seen=entry.text[:200],
            remedy="write KEY=VALUE,... e.g. 'mac=00:16:3e:00:00:01,bridge=xenbr0'",
        )
    options = tuple((key.strip(), value.strip()) for key, _, value in pairs)
    return Vif(entry.text, entry.line, options)


def without_emulated_nic(vif: Vif) -> str:
    """Return the entry with type=vif, so that libxl asks QEMU for no NIC; the rest as it was.

    model=, which names the emulated NIC, goes. A type= is replaced where it stands.
    """
    kept: list[str] = []
    typed = False
    for option in _options(vif.text):
        key = option.partition("=")[0].strip()
        if key == "type" and not typed:
            kept.append("type=vif")
            typed = True
        elif key not in ("type", "model"):
            kept.append(option)
    return ",".join(kept if typed else [*kept, "type=vif"])


def is_emulated(vif: Vif) -> bool:
    """Whether the entry asks for a NIC of QEMU's: xl looks at the last type= for "ioemu"."""
    types = [value for key, value in vif.options if key == "type"]
    return types[-1:] == ["ioemu"]


def _options(text: str) -> list[str]:
    """Split as xl's strtok does: empty options vanish."""
    return [option for option in text.split(",") if option.strip()]
