"""Statements of a config, followed in order: which variables hold what after each of them.

Nothing is run. Code whose outcome cannot be told (if, for, def, calls) makes the variables it may
set unknown, which matters only if one of them is a key of the guest.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from shimtool.configs.xm.evaluate import Evaluator
from shimtool.configs.xm.items import Setting, setting
from shimtool.configs.xm.scope import Scope
from shimtool.configs.xm.source import Source, everything, line
from shimtool.configs.xm.values import Unknown, Value
from shimtool.errors import Fault, Location

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(slots=True)
class Step:
    """One statement: its lines (0-based, `last` included), its text for messages, and the keys
    it sets. None unsets one.
    """

    first: int
    last: int
    shown: str
    sets: dict[str, Setting] = field(default_factory=dict)


def follow(source: Source, keys: Iterable[str], path: Path) -> tuple[list[Step], list[Fault]]:
    """Follow all statements; return them, with what each sets among `keys`, and the faults."""
    follower = _Follower(source, frozenset(keys), path)
    for node in source.root.named_children:
        if node.type not in ("comment", "line_continuation"):
            follower.step(node)
    return follower.steps, follower.faults()


class _Follower:
    def __init__(self, source: Source, keys: frozenset[str], path: Path) -> None:
        self._source, self._keys, self._path = source, keys, path
        self._scope = Scope(source)
        self._evaluator = Evaluator(self._scope)
        self._shown: dict[str, Setting] = {}
        self._faults: list[Fault] = []
        self.steps: list[Step] = []

    def faults(self) -> list[Fault]:
        """List code after which nothing is certain."""
        unanalysable = [
            Fault(
                "this Python code could set any key, and shimtool runs no code",
                Location(self._path, at),
                seen,
                "write what it sets into this file itself",
            )
            for at, seen in dict(self._scope.unanalysable).items()
        ]
        return [*unanalysable, *self._faults]

    def step(self, node: "Node") -> None:
        """Follow one statement."""
        self._scope.touched.clear()
        self._scope.mutated = False
        _STATEMENTS.get(node.type, _Follower._strange)(self, node)
        text, first = self._source.text(node).rstrip(), line(node) - 1
        step = Step(first, first + text.count(b"\n"), self._source.shown(node))
        for key in self._changed():
            now = setting(self._scope.names.get(key), self._scope.budget)
            if key in self._scope.touched or now != self._shown.get(key):
                self._shown[key] = step.sets[key] = now
        self.steps.append(step)

    def _changed(self) -> list[str]:
        touched = [key for key in self._scope.touched if key in self._keys]
        if self._scope.mutated:
            lists = (key for key, value in self._scope.names.items() if isinstance(value, list))
            touched += [key for key in lists if key in self._keys and key not in touched]
        return touched

    # --- statements ----------------------------------------------------------------------------

    def _expression(self, node: "Node") -> None:
        for each in node.named_children:
            if each.type == "assignment":
                self._assignment(each)
            elif each.type == "augmented_assignment":
                self._augmented(each)
            elif each.type not in ("comment", "line_continuation"):
                self._evaluator.value(each)

    def _assignment(self, node: "Node") -> None:
        """Follow a = b = ... = value."""
        targets, right = [node.child_by_field_name("left")], node.child_by_field_name("right")
        while right is not None and right.type == "assignment":
            targets.append(right.child_by_field_name("left"))
            right = right.child_by_field_name("right")
        if right is None or node.child_by_field_name("type"):  # an annotation, of Python 3
            return self._strange(node)
        value = self._evaluator.value(right)
        for target in targets:
            if target is not None:
                self._bind(target, value)
        return None

    def _bind(self, target: "Node", value: Value) -> None:
        if target.type == "identifier":
            self._scope.set(self._source.text(target).decode(), value)
        elif target.type in ("pattern_list", "tuple_pattern", "list_pattern"):
            names = target.named_children
            fits = isinstance(value, list | tuple) and len(value) == len(names)
            for at, name in enumerate(names):
                part = value[at] if fits and isinstance(value, list | tuple) else None
                self._bind(name, part if fits else Unknown(_PARTS, line(target)))
        else:
            self._spoilt(target, value)

    def _spoilt(self, target: "Node", value: Value = None) -> None:
        """Follow an assignment to an item or attribute: from here on its holder is unknown, and
        so are lists that get another name there.
        """
        why = Unknown(f"a change of {self._source.shown(target)}", line(target))
        self._scope.forget(target)
        self._scope.invalidate(target, why)
        self._scope.invalidate_values([value], why)

    def _augmented(self, node: "Node") -> None:
        left, sign, right = (
            node.child_by_field_name(name) for name in ("left", "operator", "right")
        )
        assert left and sign and right  # noqa: S101 - the grammar has all three
        if left.type != "identifier":
            return self._spoilt(left)
        name, operator = self._source.text(left).decode(), self._source.text(sign).decode()[:-1]
        added = self._evaluator.value(right)
        before = self._scope.names.get(name)
        if isinstance(before, list) and operator == "+" and isinstance(added, list | tuple):
            # In Python this changes the list itself, under all its names.
            before.extend(tuple(added))
            self._scope.mutated = True
            return self._scope.set(name, before)
        value = self._evaluator.combine(left, operator, added)
        return self._scope.set(name, value)

    def _import(self, node: "Node") -> None:
        for each in everything(node):
            if each.type == "wildcard_import":
                self._scope.unanalysable.append((line(node), self._source.shown(node)))
        for name in node.children_by_field_name("name"):
            alias = name.child_by_field_name("alias")
            text = self._source.text(alias or name).decode(errors="replace").partition(".")[0]
            self._scope.set(text, Unknown(f"the module or name {text}, imported", line(node)))

    def _no_effect(self, node: "Node") -> None:
        self._scope.forget(node)

    def _delete(self, node: "Node") -> None:
        for each in everything(node):
            if each.type in ("subscript", "attribute"):
                self._spoilt(each)
                return
        for each in everything(node):
            if each.type == "identifier":
                name = self._source.text(each).decode()
                self._scope.set(name, None)
                del self._scope.names[name]

    def _block(self, node: "Node") -> None:
        """Forget all that a compound statement may set."""
        what = _BLOCKS.get(node.type, "the code")
        why = Unknown(f"the outcome of {what} on line {line(node)}", line(node))
        self._scope.forget(node)
        self._scope.invalidate(node, why)
        for name in _bound_in(node, self._source):
            self._scope.set(name, why)

    def _definition(self, node: "Node") -> None:
        for each in everything(node):
            if each.type == "parameters":
                why = Unknown(f"the function on line {line(node)}", line(node))
                self._scope.forget(each)
                self._scope.invalidate(each, why)  # lists as defaults, which calls may change
        for each in everything(node):
            if each.type in ("function_definition", "class_definition"):
                name = each.child_by_field_name("name")
                if name is not None:
                    text = self._source.text(name).decode(errors="replace")
                    needs = f"{text}, which only Python can run"
                    self._scope.set(text, Unknown(needs, line(node)))
                return

    def _exec(self, node: "Node") -> None:
        self._scope.unanalysable.append((line(node), self._source.shown(node)))

    def _strange(self, node: "Node") -> None:
        message = "a statement that shimtool does not follow in a config of xm"
        where, seen = Location(self._path, line(node)), self._source.shown(node)
        self._faults.append(Fault(message, where, seen, "remove it"))


_PARTS = "parts of a value that has not as many"
_BLOCKS = {
    "decorated_definition": "the definition",
    "if_statement": "the if",
    "for_statement": "the loop",
    "while_statement": "the loop",
    "try_statement": "the try",
    "with_statement": "the with",
    "class_definition": "the class",
}
_STATEMENTS: "Mapping[str, Callable[[_Follower, Node], None]]" = {
    "expression_statement": _Follower._expression,
    "import_statement": _Follower._import,
    "import_from_statement": _Follower._import,
    "future_import_statement": _Follower._no_effect,
    "print_statement": _Follower._no_effect,
    "assert_statement": _Follower._no_effect,
    "pass_statement": _Follower._no_effect,
    "delete_statement": _Follower._delete,
    "exec_statement": _Follower._exec,
    "function_definition": _Follower._definition,
    **dict.fromkeys(_BLOCKS, _Follower._block),
}


def _bound_in(node: "Node", source: Source) -> list[str]:
    """Names that the statements below `node` may set; bodies of functions have their own."""
    found: dict[str, None] = {}
    waiting = [node]
    while waiting:
        each = waiting.pop()
        targets = list(each.children_by_field_name("left")) if each.type in _SETTERS else []
        if each.type in ("function_definition", "class_definition", "import_statement"):
            targets += each.children_by_field_name("name")
        if each.type in ("import_from_statement", "aliased_import", "as_pattern"):
            targets += [*each.children_by_field_name("name"), *each.children_by_field_name("alias")]
        if each.type in ("except_clause", "delete_statement"):
            targets += [child for child in each.named_children if child.type != "block"]
        for target in targets:
            for name in everything(target):
                if name.type == "identifier":
                    found[source.text(name).decode()] = None
        if each.type not in ("function_definition", "lambda"):
            waiting += each.children
    return list(found)


_SETTERS = ("assignment", "augmented_assignment", "for_statement", "for_in_clause")
