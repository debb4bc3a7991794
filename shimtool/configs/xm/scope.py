"""The variables of a config while it is interpreted, and what code that is not run may change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shimtool.configs.xm.source import Source, line_of
from shimtool.configs.xm.values import Budget, NotKnownError, Unknown, Value

if TYPE_CHECKING:
    from tree_sitter import Node

# Functions through which Python code can set any variable, so that none is known any more.
_SET_ANYTHING = frozenset(
    (
        "__import__", "compile", "delattr", "eval", "exec", "execfile", "globals", "input",
        "locals", "reload", "setattr", "vars",
    )
)  # fmt: skip
# Functions that do not change their arguments.
_HARMLESS = frozenset(
    ("bool", "float", "int", "len", "max", "min", "open", "print", "range", "repr", "str")
)


class Scope:
    """The variables of a config while it is interpreted.

    `touched` holds the names that the current statement has set, in order (a dict, for that), and
    `mutated` tells whether it may have changed a list; the interpreter resets both.
    `unanalysable` lists the 1-based line and text of code that could set any variable.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names: dict[str, Value] = {}
        self.touched: dict[str, None] = {}
        self.mutated = False
        self.unanalysable: list[tuple[int, str]] = []
        self.budget = Budget()
        self._seen_calls = set[int]()

    def set(self, name: str, value: Value) -> None:
        """Bind a name."""
        self.names[name] = value
        self.touched[name] = None

    def lengthen(self, held: list[Value], items: Sequence[Value]) -> None:
        """Add items to a list, which changes it under all its names."""
        self.mutated = True
        try:
            self.budget.spend(len(items))
            held.extend(tuple(items))
        except NotKnownError as error:
            held.append(Unknown(error.needs, 0))

    def invalidate_by_calls(self, node: "Node") -> None:
        """Make unknown what calls in `node` could change: the lists that they are given.

        Each call is looked at once, however often this is called.
        """
        waiting = [(node, False)]
        while waiting:
            each, invalidated = waiting.pop()
            if each.id in self._seen_calls:
                continue
            if each.type == "call":
                self._seen_calls.add(each.id)
                if self._changes(each) and not invalidated:
                    needs = f"{self.source.excerpt(each)}, which only Python can run"
                    self.invalidate(each, Unknown(needs, line_of(each)))
                    invalidated = True  # and so are the arguments of calls inside it
            waiting += [(child, invalidated) for child in reversed(each.children)]

    def _changes(self, call: "Node") -> bool:
        """Whether a call may change its arguments; notes one that could set any variable."""
        called = call.child_by_field_name("function")
        plain = called is not None and called.type == "identifier"
        name = self.source.text(called).decode() if called and plain else ""
        if name in _SET_ANYTHING:
            self.unanalysable.append((line_of(call), self.source.excerpt(call)))
        return name not in _HARMLESS

    def invalidate(self, node: "Node", why: Unknown) -> None:
        """Make unknown what the lists hold that `node` names, as code not run could change them."""
        values: list[Value] = []
        waiting = [node]
        while waiting:
            each = waiting.pop()
            if each.type == "identifier":
                values.append(self.names.get(self.source.text(each).decode()))
            # What calls below it are given was made unknown when they were looked at.
            waiting += [child for child in each.children if child.id not in self._seen_calls]
        self.invalidate_values(values, why)

    def invalidate_values(self, values: list[Value], why: Unknown) -> None:
        """Make unknown what the lists among `values` and inside them hold."""
        try:
            self._invalidate_contents(values, why)
        except NotKnownError:
            self.mutated = True  # without budget no value can be worked out any more

    def _invalidate_contents(self, values: list[Value], why: Unknown) -> None:
        seen = set[int]()
        while values:
            value = values.pop()
            if not isinstance(value, list | dict | tuple) or id(value) in seen:
                continue
            self.budget.spend(len(value))
            seen.add(id(value))
            values += value.values() if isinstance(value, dict) else value
            if isinstance(value, list):
                value[:] = [why]
                self.mutated = True
            elif isinstance(value, dict):
                value.clear()
