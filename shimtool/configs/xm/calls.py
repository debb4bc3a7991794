"""Calls in a config: the few whose outcome is certain; the others change what they may."""

from typing import TYPE_CHECKING, Protocol

from shimtool.configs.xm import formatting, operations
from shimtool.configs.xm.scope import Scope
from shimtool.configs.xm.source import Source, operands
from shimtool.configs.xm.values import NotKnownError, Unknown, Value, known

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS = ("str", "int", "len")
_SCOPES = (b"globals()", b"locals()", b"vars()")


class Expressions(Protocol):
    """What a call needs to have its parts worked out: an evaluator of expressions, in a scope."""

    @property
    def scope(self) -> Scope: ...
    @property
    def source(self) -> Source: ...
    def value(self, node: "Node") -> Value: ...
    def element(self, node: "Node") -> Value: ...


def call(by: Expressions, node: "Node") -> Value:
    """Work out a call; NotKnownError when only Python could."""
    called, arguments = (node.child_by_field_name(name) for name in ("function", "arguments"))
    assert called and arguments  # noqa: S101 - the grammar has both
    if arguments.type == "argument_list":
        name = by.source.text(called).decode(errors="replace")
        if called.type == "identifier" and name in _FUNCTIONS and name not in by.scope.names:
            return operations.function(name, _values(by, arguments), by.scope.budget)
        if called.type == "attribute":
            return _method(by, node, called, arguments)
    return _refused(by, node)


def scope_called(source: Source, node: "Node") -> bool:
    """Whether this is locals() or the like, which is fine where it is only read."""
    return node.type == "call" and b"".join(source.text(node).split()) in _SCOPES


def _refused(by: Expressions, node: "Node") -> Value:
    by.scope.forget(node)
    raise NotKnownError(f"{by.source.shown(node)}, which only Python can run")


def _method(by: Expressions, node: "Node", called: "Node", arguments: "Node") -> Value:
    holder, attribute = (called.child_by_field_name(each) for each in ("object", "attribute"))
    assert holder and attribute  # noqa: S101 - the grammar has both
    name = by.source.text(attribute).decode(errors="replace")
    held = by.value(holder)
    if isinstance(held, bytes | str) and name == "format":
        return _format(by, held, arguments)
    if isinstance(held, bytes):
        return operations.method(held, name, _values(by, arguments), by.scope.budget)
    if isinstance(held, list) and name in ("append", "extend"):
        return _longer(by, held, name, arguments)
    if isinstance(held, Unknown) and holder.type not in ("identifier", "attribute"):
        by.scope.forget(node)
        return held
    return _refused(by, node)


def _longer(by: Expressions, held: list[Value], name: str, arguments: "Node") -> Value:
    """Work out .append() or .extend(), which change the list itself."""
    by.scope.mutated = True
    match name, [by.element(each) for each in operands(arguments)]:
        case "append", [value]:
            held.append(value)
        case "extend", [list() | tuple() as items]:
            by.scope.budget.spend(len(items))
            held.extend(tuple(items))
        case _:
            needs = f"what {by.source.shown(arguments)} adds to the list"
            held.append(Unknown(needs, 0))
    return None


def _values(by: Expressions, arguments: "Node") -> list[Value]:
    found = []
    for each in operands(arguments):
        if each.type in ("keyword_argument", "list_splat", "dictionary_splat"):
            raise NotKnownError("a call with more than plain arguments")
        found.append(known(by.value(each)))
    return found


def _format(by: Expressions, template: bytes | str, arguments: "Node") -> Value:
    values: list[Value] = []
    named: dict[str, Value] = {}
    for each in operands(arguments):
        name, value = each.child_by_field_name("name"), each.child_by_field_name("value")
        if each.type == "keyword_argument" and name and value:
            named[by.source.text(name).decode()] = by.value(value)
        elif each.type == "dictionary_splat" and scope_called(by.source, operands(each)[0]):
            by.scope.budget.spend(len(by.scope.names))
            named.update(by.scope.names)
        elif each.type in ("list_splat", "dictionary_splat"):
            raise NotKnownError("a .format() with more than plain arguments")
        else:
            values.append(by.value(each))
    return formatting.braces(template, values, named, by.scope.budget)
