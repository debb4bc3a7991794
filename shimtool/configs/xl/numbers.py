"""Numbers as C reads them."""

from shimtool.deferred import regex

_NUMBER = regex(r"[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")
_LONG = 1 << 63


def strtol(text: str) -> int | None:
    """Return what strtol with base 0 (64 bits, C locale) makes of all of `text`, or None."""
    match = _NUMBER.fullmatch(text)
    if not match:
        return None
    sign, hexadecimal, octal, decimal = match.groups()
    if decimal and len(decimal) > 19:  # more than 64 bits; int() would take its time
        return None
    number = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
    number = -number if sign == "-" else number
    return number if -_LONG <= number < _LONG else None
