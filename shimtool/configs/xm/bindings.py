"""Which variables a statement of Python may set when it runs: what it binds or deletes."""

from typing import TYPE_CHECKING

from shimtool.configs.xm.source import Source, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_ASSIGNING = ("assignment", "augmented_assignment", "for_statement", "for_in_clause")


def names_bound(node: "Node", source: Source) -> list[str]:
    """List the names that the statements below `node` may set, but for variables of functions."""
    found: dict[str, None] = {}
    waiting = [node]
    while waiting:
        each = waiting.pop()
        targets = list(each.children_by_field_name("left")) if each.type in _ASSIGNING else []
        names = each.children_by_field_name("name")
        if each.type in ("function_definition", "class_definition"):
            targets += names
        if each.type in ("import_statement", "import_from_statement"):
            targets += map(_imported, names)
        if each.type == "as_pattern":
            targets += [*names, *each.children_by_field_name("alias")]
        if each.type in ("except_clause", "delete_statement"):
            targets += [child for child in each.named_children if child.type != "block"]
        for target in targets:
            for name in walk(target):
                if name.type == "identifier":
                    found[source.text(name).decode()] = None
        if each.type not in ("function_definition", "lambda"):
            waiting += each.children
    return list(found)


def _imported(name: "Node") -> "Node":
    """Return what an import binds: the name behind `as`, or the first part of a.b.c."""
    return name.child_by_field_name("alias") or next(iter(name.named_children), name)
