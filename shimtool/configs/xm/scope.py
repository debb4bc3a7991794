"""The variables of a config while it is followed, and what code that is not run may do to them."""

from typing import TYPE_CHECKING

from shimtool.configs.xm.source import Source, line
from shimtool.configs.xm.values import Budget, NotKnownError, Unknown, Value

if TYPE_CHECKING:
    from tree_sitter import Node

# Functions through which Python code can set any variable, so that nothing is certain any more.
_WILD = frozenset(
    (
        "__import__", "compile", "eval", "execfile", "globals", "input", "locals", "reload",
        "setattr", "vars",
    )
)  # fmt: skip
# Functions that change nothing they are given.
_HARMLESS = frozenset(
    ("bool", "float", "int", "len", "max", "min", "open", "print", "range", "repr", "str")
)


class Scope:
    """The variables of a config while it is followed.

    `touched` are the names set since it was last emptied, `mutated` tells whether a list changed;
    `unanalysable` are (line, text) of code that could set anything.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names: dict[str, Value] = {}
        self.touched: dict[str, None] = {}
        self.mutated = False
        self.unanalysable: list[tuple[int, str]] = []
        self.budget = Budget()
        self._forgotten = set[int]()

    def set(self, name: str, value: Value) -> None:
        """Bind a name."""
        self.names[name] = value
        self.touched[name] = None

    def forget(self, node: "Node") -> None:
        """Forget what calls in `node` could change: lists that they are given.

        Each call is looked at once, however often this is called.
        """
        waiting = [(node, False)]
        while waiting:
            each, invalidated = waiting.pop()
            if each.id in self._forgotten:
                continue
            if each.type == "call":
                self._forgotten.add(each.id)
                if self._changes(each) and not invalidated:
                    needs = f"{self.source.shown(each)}, which only Python can run"
                    self.invalidate(each, Unknown(needs, line(each)))
                    invalidated = True  # with all that calls inside it are given
            waiting += [(child, invalidated) for child in reversed(each.children)]

    def _changes(self, call: "Node") -> bool:
        """Whether a call may change what it is given; takes note of one that may change all."""
        called = call.child_by_field_name("function")
        name = self.source.text(called).decode(errors="replace") if called else ""
        if name in _WILD:
            self.unanalysable.append((line(call), self.source.shown(call)))
        return name not in _HARMLESS

    def invalidate(self, node: "Node", why: Unknown) -> None:
        """Forget what lists hold that `node` names: code that is not followed could change them."""
        values: list[Value] = []
        waiting = [node]
        while waiting:
            each = waiting.pop()
            if each.type == "identifier":
                values.append(self.names.get(self.source.text(each).decode()))
            # Calls inside that were looked at before had their own turn.
            waiting += [child for child in each.children if child.id not in self._forgotten]
        self.invalidate_values(values, why)

    def invalidate_values(self, values: list[Value], why: Unknown) -> None:
        """Forget what lists among `values` hold."""
        try:
            self._empty(values, why)
        except NotKnownError:
            self.mutated = True  # with no budget left nothing is known any more

    def _empty(self, values: list[Value], why: Unknown) -> None:
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
