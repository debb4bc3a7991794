"""Entries of vif=: options separated by commas, as xl 4.17 splits them."""

from shimtool.model import ConfigString, Vif


def parse_vif(entry: ConfigString) -> Vif:
    """Read one entry of vif=; an empty one is an interface with all defaults.

    Blanks around keys and values do not count. A word without `=` says nothing: xl (4.5-4.21)
    prints "unrecognized argument" and goes on. Unknown keys are kept, since each Xen has its own.
    """
    pairs = [option.partition("=") for option in _options(entry.text)]
    options = tuple((key.strip(), value.strip()) for key, equals, value in pairs if equals)
    return Vif(entry.text, entry.line, options)


def without_emulated_nic(vif: Vif) -> str:
    """Return the entry with type=vif, so that libxl asks QEMU for no NIC; the rest as it was.

    model=, which names the emulated NIC, goes, and so do words without `=`: xl 4.4 overlooks what
    comes after one. A type= is replaced where it stands.
    """
    kept: list[str] = []
    typed = False
    for option in _options(vif.text):
        name, equals, _value = option.partition("=")
        key = name.strip()
        if key == "type" and not typed:
            kept.append("type=vif")
            typed = True
        elif equals and key not in ("type", "model"):
            kept.append(option)
    return ",".join(kept if typed else [*kept, "type=vif"])


def is_emulated(vif: Vif) -> bool:
    """Whether the entry asks for a NIC of QEMU's: xl looks at the last type= for "ioemu"."""
    types = [value for key, value in vif.options if key == "type"]
    return types[-1:] == ["ioemu"]


def _options(text: str) -> list[str]:
    """Split as xl's strtok does: empty options vanish."""
    return [option for option in text.split(",") if option.strip()]
