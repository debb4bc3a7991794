"""Expressions of a config, worked out without running anything; others give an Unknown."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from shimtool.configs.xm import formatting, literals, operations
from shimtool.configs.xm.calls import call, is_scope_call
from shimtool.configs.xm.scope import Scope
from shimtool.configs.xm.source import line_of, operands, walk
from shimtool.configs.xm.values import NotKnownError, Unknown, Value, known

if TYPE_CHECKING:
    from tree_sitter import Node

_DEEPEST = 100  # expressions inside each other


class Evaluator:
    """Works out expressions with the variables of a scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.source = scope.source
        self._depth = 0

    def value(self, node: "Node") -> Value:
        """Return the value of an expression, an Unknown if only Python could tell it."""
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise NotKnownError("an expression nested too deep")
            self.scope.budget.spend(1)
            rule = _RULES.get(node.type)
            if rule is None:
                what = _DESCRIPTIONS.get(node.type, "code")
                raise NotKnownError(f"{what} that only Python can run")
            return rule(self, node)
        except NotKnownError as error:
            unknown = Unknown(error.needs, error.line or line_of(node))
            if node.type not in _RULES:
                self._note_side_effects(node)
            if self._depth == 1 or node.type not in _RULES:
                self._invalidate_aliases(node, unknown)
            return unknown
        finally:
            self._depth -= 1

    def element(self, node: "Node") -> Value:
        """Return the value of an expression that becomes part of a list or dictionary."""
        value = self.value(node)
        if isinstance(value, Unknown):
            self._invalidate_aliases(node, value)
        return value

    def _invalidate_aliases(self, node: "Node", unknown: Unknown) -> None:
        """Invalidate the lists that `node` names: `unknown` may be one of them, and be changed."""
        if node.type != "call":  # calls have done so for what they are given
            self.scope.invalidate(node, unknown)

    def _note_side_effects(self, node: "Node") -> None:
        """Make unknown what an expression that is not worked out may change or set."""
        self.scope.invalidate_by_calls(node)
        for clause in walk(node):
            left = clause.child_by_field_name("left") if clause.type == "for_in_clause" else None
            for each in walk(left) if left else ():
                if each.type == "identifier":
                    why = Unknown("a variable of a list comprehension", line_of(node))
                    self.scope.set(self.source.text(each).decode(), why)

    def combine(self, name: "Node", sign: str, right: Value) -> Value:
        """Return what NAME holds after NAME SIGN= RIGHT."""
        try:
            left = known(self.value(name))
            return operations.binary(sign, left, known(right), self.scope.budget)
        except NotKnownError as error:
            return Unknown(error.needs, error.line or line_of(name))

    # --- one method for each kind of expression -----------------------------------------------

    def _string(self, node: "Node") -> Value:
        return literals.text(self.source.text(node), self.scope.budget)

    def _strings(self, node: "Node") -> Value:
        parts = [known(self.value(each)) for each in operands(node)]
        done = formatting.concatenated([part for part in parts if isinstance(part, bytes | str)])
        self.scope.budget.spend(len(done))
        return done

    def _integer(self, node: "Node") -> Value:
        return literals.integer(self.source.text(node))

    def _float(self, node: "Node") -> Value:
        return literals.real(self.source.text(node))

    def _name(self, node: "Node") -> Value:
        name = self.source.text(node).decode()
        if name not in self.scope.names:
            shown = name[:60]
            raise NotKnownError(
                f"{shown}, which this file does not set (xm create may have got {shown}=...)"
            )
        return self.scope.names[name]

    def _constant(self, node: "Node") -> Value:
        return {"true": True, "false": False, "none": None}[node.type]

    def _parenthesized(self, node: "Node") -> Value:
        (inner,) = operands(node)
        return self.value(inner)

    def _list(self, node: "Node") -> Value:
        return [self._item_of_list(each) for each in operands(node)]

    def _tuple(self, node: "Node") -> Value:
        return tuple(self._item_of_list(each) for each in operands(node))

    def _item_of_list(self, node: "Node") -> Value:
        if node.type == "list_splat":
            raise NotKnownError("a * in a list, which Python 2 does not know")
        return self.element(node)

    def _dictionary(self, node: "Node") -> Value:
        pairs: dict[Value, Value] = {}
        for pair in operands(node):
            key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            if key is None or value is None:
                raise NotKnownError("a dictionary in a notation that Python 2 does not know")
            name = known(self.value(key))
            if not isinstance(name, bytes | int):
                raise NotKnownError("a dictionary whose keys are not text")
            pairs[name] = self.element(value)
        return pairs

    def _binary(self, node: "Node") -> Value:
        left, sign, right = (
            node.child_by_field_name(name) for name in ("left", "operator", "right")
        )
        assert left and sign and right  # noqa: S101 - the grammar has all three
        first = known(self.value(left))
        return operations.binary(
            self.source.text(sign).decode(), first, known(self._operand(right)), self.scope.budget
        )

    def _operand(self, node: "Node") -> Value:
        """Return the right operand; locals() may be one, as % only reads it."""
        if is_scope_call(self.source, node):
            self.scope.budget.spend(len(self.scope.names))
            return {name.encode(): value for name, value in self.scope.names.items()}
        return self.value(node)

    def _unary(self, node: "Node") -> Value:
        operand = node.child_by_field_name("argument")
        assert operand  # noqa: S101 - the grammar has it
        sign = self.source.text(node)[:1].decode()
        return operations.unary(sign, known(self.value(operand)))

    def _subscript(self, node: "Node") -> Value:
        container = node.child_by_field_name("value")
        keys = node.children_by_field_name("subscript")
        assert container  # noqa: S101 - the grammar has it
        held = known(self.value(container))
        if len(keys) != 1 or keys[0].type == "slice":
            raise NotKnownError("a slice, which shimtool does not work out")
        return operations.subscript(held, known(self.value(keys[0])))

    def _attribute(self, node: "Node") -> Value:
        raise NotKnownError(f"{self.source.excerpt(node)}, which only Python can look up")


_RULES: "dict[str, Callable[[Evaluator, Node], Value]]" = {
    "string": Evaluator._string,
    "concatenated_string": Evaluator._strings,
    "integer": Evaluator._integer,
    "float": Evaluator._float,
    "identifier": Evaluator._name,
    "true": Evaluator._constant,
    "false": Evaluator._constant,
    "none": Evaluator._constant,
    "parenthesized_expression": Evaluator._parenthesized,
    "list": Evaluator._list,
    "tuple": Evaluator._tuple,
    "expression_list": Evaluator._tuple,
    "dictionary": Evaluator._dictionary,
    "binary_operator": Evaluator._binary,
    "unary_operator": Evaluator._unary,
    "subscript": Evaluator._subscript,
    "attribute": Evaluator._attribute,
    "call": call,
}
_DESCRIPTIONS = {
    "list_comprehension": "a list comprehension",
    "generator_expression": "a generator",
    "dictionary_comprehension": "a dictionary comprehension",
    "conditional_expression": "a choice (... if ... else ...)",
    "comparison_operator": "a comparison",
    "boolean_operator": "an and/or",
    "not_operator": "a not",
    "lambda": "a function (lambda)",
}
