"""Faults as data, and as lines of a table."""

from shimtool.cli.results.documents import Reason
from shimtool.errors import Fault
from shimtool.text import printable


def reason(fault: Fault) -> Reason:
    """Return a fault as data."""
    return {
        "code": fault.code,
        "message": printable(fault.message),
        "file": printable(str(fault.where.path)) if fault.where else None,
        "line": fault.where.line if fault.where else None,
        "seen": None if fault.seen is None else printable(fault.seen),
        "remedy": None if fault.remedy is None else printable(fault.remedy),
    }


def reason_line(reason: Reason) -> str:
    """Return a reason on one line, for tables."""
    line = f":{reason['line']}" if reason["line"] else ""
    where = f"{reason['file']}{line}: " if reason["file"] else ""
    remedy = f" ({reason['remedy']})" if reason["remedy"] else ""
    return f"{where}{reason['message']}{remedy}"
