"""Whether a config is Python for xm rather than a file for xl: told by what stands in it."""

from pathlib import Path
from typing import TYPE_CHECKING

from shimtool.configs.xl import syntax as xl
from shimtool.configs.xm.source import LIMIT, Source, everything, read, unreadable
from shimtool.errors import ShimtoolError

if TYPE_CHECKING:
    from tree_sitter import Node

# Statements that no config of xl has, even by mistake.
_STATEMENTS = frozenset(
    (
        "class_definition", "decorated_definition", "exec_statement", "for_statement",
        "function_definition", "if_statement", "import_from_statement", "import_statement",
        "print_statement", "try_statement", "while_statement", "with_statement",
    )
)  # fmt: skip
# Expressions that nobody writes by mistake.
_CLEAR = frozenset(
    (
        "call", "dictionary", "dictionary_comprehension", "generator_expression", "lambda",
        "list_comprehension", "delete_statement", "pass_statement",
    )
)  # fmt: skip
# Expressions that may be text without its quotes (web-01), unless all names in them are variables.
_OPERATIONS = frozenset(
    ("attribute", "binary_operator", "parenthesized_expression", "subscript", "tuple")
)


def is_xm(data: bytes) -> bool:
    """Whether a file is certainly a config in Python.

    What xl can read is xl's, apart from line ends and the like too. What neither reads is xl's as
    well (its errors tell more), unless statements such as import or def leave no doubt.
    """
    path = Path()
    if len(data) > LIMIT or unreadable(data, path) or _xl_reads(data):
        return False
    source = read(data)
    if not _variables(source):
        return False
    statements = list(source.root.children)
    statements += [each for node in statements if node.is_error for each in node.children]
    if any(node.type in _STATEMENTS for node in statements):
        return True
    return not source.root.has_error and _has_marks(source)


def _xl_reads(data: bytes) -> bool:
    """Whether xl reads it, but for a BOM, line ends or a missing last newline."""
    try:
        xl.parse(data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n") + b"\n", Path())
    except ShimtoolError:
        return False
    return True


def _has_marks(source: Source) -> bool:
    names = _variables(source)
    for node in everything(source.root):
        if node.type in _CLEAR:
            return True
        if node.type == "string_start" and len(source.text(node)) > 1:  # u', """ and the like
            return True
        value = node.child_by_field_name("right") if node.type == "assignment" else None
        if value is not None and value.type == "identifier" and source.text(value) in names:
            return True
        if node.type in _OPERATIONS and _named(node, source) <= names:
            return True
    return False


def _variables(source: Source) -> set[bytes]:
    """Names that the file sets."""
    assigned = (
        node.child_by_field_name("left")
        for node in everything(source.root)
        if node.type in ("assignment", "augmented_assignment")
    )
    return {source.text(node) for node in assigned if node and node.type == "identifier"}


def _named(node: "Node", source: Source) -> set[bytes]:
    return {source.text(each) for each in everything(node) if each.type == "identifier"}
