"""Amounts of memory with a unit, as libvirt reads them (virScaleInteger)."""

_LETTERS = "kmgtpe"


def bytes_of(number: int, unit: str) -> int | None:
    """Return `number` of `unit` in bytes ("" is KiB, libvirt's default for memory); None when
    libvirt knows no such unit. KB is 1000 bytes, k and KiB are 1024; case does not count.
    """
    word = unit.lower() or "kib"
    if word in ("b", "byte", "bytes"):
        return number
    power = _LETTERS.find(word[0]) + 1
    base = {"": 1024, "ib": 1024, "b": 1000}.get(word[1:])
    return None if not power or base is None else number * base**power
