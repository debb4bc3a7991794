"""Calls in a config: a few are worked out, all others make unknown what they might change."""

from typing import TYPE_CHECKING, Protocol

from shimtool.configs.xm import formatting, operations
from shimtool.configs.xm.scope import Scope
from shimtool.configs.xm.source import Source, operands
from shimtool.configs.xm.values import NotKnownError, Unknown, Value, known

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS = ("str", "int", "len")
_SCOPE_CALLS = (b"globals()", b"locals()", b"vars()")


class Expressions(Protocol):
    """What works out the parts of a call: an evaluator of expressions, in a scope."""

    @property
    def scope(self) -> Scope: ...
    @property
    def source(self) -> Source: ...
    def value(self, node: "Node") -> Value: ...
    def element(self, node: "Node") -> Value: ...


def call(evaluator: Expressions, node: "Node") -> Value:
    """Return what a call returns; NotKnownError when only Python could tell."""
    called, arguments = (node.child_by_field_name(name) for name in ("function", "arguments"))
    assert called and arguments  # noqa: S101 - the grammar has both
    if arguments.type == "argument_list":
        scope = evaluator.scope
        name = evaluator.source.text(called).decode(errors="replace")
        if called.type == "identifier" and name in _FUNCTIONS and name not in scope.names:
            return operations.function(name, _plain_arguments(evaluator, arguments), scope.budget)
        if called.type == "attribute":
            return _method(evaluator, node, called, arguments)
    return _not_known(evaluator, node)


def is_scope_call(source: Source, node: "Node") -> bool:
    """Whether this is locals() or the like, which is harmless where its result is only read."""
    return node.type == "call" and b"".join(source.text(node).split()) in _SCOPE_CALLS


def _not_known(evaluator: Expressions, node: "Node") -> Value:
    evaluator.scope.invalidate_by_calls(node)
    raise NotKnownError(f"{evaluator.source.excerpt(node)}, which only Python can run")


def _method(evaluator: Expressions, node: "Node", called: "Node", arguments: "Node") -> Value:
    holder, attribute = (called.child_by_field_name(each) for each in ("object", "attribute"))
    assert holder and attribute  # noqa: S101 - the grammar has both
    name = evaluator.source.text(attribute).decode(errors="replace")
    held = evaluator.value(holder)
    if isinstance(held, bytes | str) and name == "format":
        return _format(evaluator, held, arguments)
    if isinstance(held, bytes):
        values = _plain_arguments(evaluator, arguments)
        return operations.method(held, name, values, evaluator.scope.budget)
    if isinstance(held, list) and name in ("append", "extend"):
        return _lengthen(evaluator, held, name, arguments)
    if isinstance(held, Unknown) and holder.type not in ("identifier", "attribute"):
        evaluator.scope.invalidate_by_calls(node)
        return held
    return _not_known(evaluator, node)


def _lengthen(evaluator: Expressions, held: list[Value], name: str, arguments: "Node") -> Value:
    """Work out .append() or .extend(), which change the list itself."""
    match name, [evaluator.element(each) for each in operands(arguments)]:
        case "append", [value]:
            evaluator.scope.lengthen(held, [value])
        case "extend", [list() | tuple() as items]:
            evaluator.scope.lengthen(held, items)
        case _:
            needs = f"what {evaluator.source.excerpt(arguments)} adds to the list"
            evaluator.scope.lengthen(held, [Unknown(needs, 0)])
    return None


def _plain_arguments(evaluator: Expressions, arguments: "Node") -> list[Value]:
    found = []
    for each in operands(arguments):
        if each.type in ("keyword_argument", "list_splat", "dictionary_splat"):
            raise NotKnownError("a call with more than plain arguments")
        found.append(known(evaluator.value(each)))
    return found


def _format(evaluator: Expressions, template: bytes | str, arguments: "Node") -> Value:
    """Work out TEMPLATE.format(...), with **locals() among the arguments too."""
    scope, source = evaluator.scope, evaluator.source
    values: list[Value] = []
    named: dict[str, Value] = {}
    for each in operands(arguments):
        name, value = each.child_by_field_name("name"), each.child_by_field_name("value")
        if each.type == "keyword_argument" and name and value:
            named[source.text(name).decode()] = evaluator.value(value)
        elif each.type == "dictionary_splat" and is_scope_call(source, operands(each)[0]):
            scope.budget.spend(len(scope.names))
            named.update(scope.names)
        elif each.type in ("list_splat", "dictionary_splat"):
            raise NotKnownError("a .format() with more than plain arguments")
        else:
            values.append(evaluator.value(each))
    return formatting.str_format(template, values, named, scope.budget)
