"""Whether a config is Python for xm or a file for xl: its content decides, not its name."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from shimtool.configs.xl import syntax as xl
from shimtool.configs.xm.source import LIMIT, Source, file_faults, parse_python, walk
from shimtool.errors import ShimtoolError

if TYPE_CHECKING:
    from tree_sitter import Node

# Statements that a config of xl does not have, even by mistake.
_STATEMENTS = frozenset(
    (
        "class_definition", "decorated_definition", "exec_statement", "for_statement",
        "function_definition", "if_statement", "import_from_statement", "import_statement",
        "print_statement", "try_statement", "while_statement", "with_statement",
    )
)  # fmt: skip
# Nor does anybody write these by mistake.
_EXPRESSIONS = frozenset(
    (
        "call", "dictionary", "dictionary_comprehension", "generator_expression", "lambda",
        "list_comprehension", "delete_statement", "pass_statement",
    )
)  # fmt: skip
# These may be text without its quotes (web-01), unless all names in them are variables.
_OPERATIONS = frozenset(
    ("attribute", "binary_operator", "parenthesized_expression", "subscript", "tuple")
)

# Several names that are set at once.
_TARGETS = frozenset(("pattern_list", "tuple_pattern", "list_pattern"))
_BOOTS = frozenset((b"kernel", b"bootloader"))


def is_xm(data: bytes) -> bool:
    """Whether a file is certainly a config in Python.

    A file that xl reads, or would read with other line ends and the like, is xl's. So is a file
    that neither xl nor Python reads, because xl's errors explain more, unless it has statements
    such as import or def. One that Python alone reads, with all names in it set there, is xm's.
    """
    path = Path()
    if len(data) > LIMIT or file_faults(data, path) or _xl_reads(data):
        return False
    source = parse_python(data)
    if not _assigned_names(source):
        return False
    statements = list(source.root.children)
    statements += [each for node in statements if node.is_error for each in node.children]
    if any(node.type in _STATEMENTS for node in statements):
        return True
    return not source.root.has_error and _has_python_expressions(source)


def _xl_reads(data: bytes) -> bool:
    """Whether xl reads it once a BOM, CRLF line ends and a missing last newline are mended."""
    try:
        xl.parse(data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n") + b"\n", Path())
    except ShimtoolError:
        return False
    return True


def _has_python_expressions(source: Source) -> bool:
    names = _assigned_names(source)
    others = [at for at, name in _identifiers(source) if name not in names]
    for node in walk(source.root):
        if node.type in _EXPRESSIONS:
            return True
        if node.type == "string_start" and len(source.text(node)) > 1:  # u', """ and the like
            return True
        value = node.child_by_field_name("right") if node.type == "assignment" else None
        if value is not None and value.type == "identifier" and source.text(value) in names:
            return True
        if node.type in _OPERATIONS and not _is_any_in(node, others):
            return True
    if others or not _is_guest(names):
        return False
    return not any(_ends_early(source, node) for node in walk(source.root))


def _is_guest(names: set[bytes]) -> bool:
    """Whether these names, which a file of literals sets that xl cannot read, are a guest of xm's.

    xm took no notice of names that it did not know, whatever their case and value. One that is a
    key but for its case is a mistake all the same, and xl's error says which.
    """
    from shimtool.configs.xm.keys import READ_BY_XM, read_by_xl  # noqa: PLC0415 - loads much

    known = {key.encode() for key in {*READ_BY_XM, *read_by_xl()}}
    return not _BOOTS.isdisjoint(names) and not any(
        name not in known and name.lower() in known for name in names
    )


def _ends_early(source: Source, node: "Node") -> bool:
    """Whether an assignment has its value on a later line, which only the parser here allows."""
    if node.type != "assignment":
        return False
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    between = source.data[left.end_byte : right.start_byte] if left and right else b"\n"
    return b"\n" in re.sub(rb"\\\r?\n", b"", between)


def _assigned_names(source: Source) -> set[bytes]:
    """Names that the file sets, also several at once (a, b = 1, 2)."""
    found = set()
    waiting = [
        target
        for node in walk(source.root)
        if node.type in ("assignment", "augmented_assignment")
        and (target := node.child_by_field_name("left"))
    ]
    while waiting:
        node = waiting.pop()
        if node.type == "identifier":
            found.add(source.text(node))
        elif node.type in _TARGETS:
            waiting += node.named_children
    return found


def _identifiers(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield the byte offset and text of every name, in order."""
    for node in walk(source.root):
        if node.type == "identifier":
            yield node.start_byte, source.text(node)


def _is_any_in(node: "Node", offsets: list[int]) -> bool:
    """Whether a node has any of these byte offsets, which are in order.

    Walking below each operation instead would take hours for operations nested 30,000 deep.
    """
    return bisect_left(offsets, node.start_byte) < bisect_left(offsets, node.end_byte)
