"""Statements of a config, interpreted in order: what each of them sets the guest's keys to.

No code is run. Code whose outcome only Python could tell (if, for, def, calls) makes the variables
unknown that it may set, which matters only where one of them is a key of the guest.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from shimtool.configs.xm.bindings import names_bound
from shimtool.configs.xm.evaluator import Evaluator
from shimtool.configs.xm.scope import Scope
from shimtool.configs.xm.settings import Setting, setting_of
from shimtool.configs.xm.source import Source, line_of, walk
from shimtool.configs.xm.values import Unknown, Value
from shimtool.deferred import dataclass
from shimtool.errors import Fault, Location

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(slots=True)
class Step:
    """One statement at the top level of a config.

    `first` and `last` are its 0-based lines, `last` included; `excerpt` is its beginning, for
    messages; `sets` are the keys that it sets, to None where it unsets them.
    """

    first: int
    last: int
    excerpt: str
    sets: dict[str, Setting] = field(default_factory=dict)


def interpret(source: Source, keys: Iterable[str], path: Path) -> tuple[list[Step], list[Fault]]:
    """Return the statements, with what each sets of `keys`, and faults: unsupported code."""
    interpreter = Interpreter(source, frozenset(keys), path)
    for node in source.root.named_children:
        if node.type not in ("comment", "line_continuation"):
            interpreter.step(node)
    return interpreter.steps, interpreter.faults()


class Interpreter:
    """Goes through a config statement by statement, and records the settings of `keys`."""

    def __init__(self, source: Source, keys: frozenset[str], path: Path) -> None:
        self._source, self._keys, self._path = source, keys, path
        self._scope = Scope(source)
        self._evaluator = Evaluator(self._scope)
        self._recorded: dict[str, Setting] = {}
        self._faults: list[Fault] = []
        self.steps: list[Step] = []

    def faults(self) -> list[Fault]:
        """List code that could set any key, then statements that are not supported."""
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
        """Interpret one statement at the top level."""
        self._scope.touched.clear()
        self._scope.mutated = False
        _STATEMENTS.get(node.type, Interpreter._unsupported)(self, node)
        text, first = self._source.text(node).rstrip(), line_of(node) - 1
        step = Step(first, first + text.count(b"\n"), self._source.excerpt(node))
        for key in self._changed():
            now = setting_of(self._scope.names.get(key), self._scope.budget)
            if key in self._scope.touched or now != self._recorded.get(key):
                self._recorded[key] = step.sets[key] = now
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
                self._augmented_assignment(each)
            elif each.type not in ("comment", "line_continuation"):
                self._evaluator.value(each)

    def _assignment(self, node: "Node") -> None:
        """Interpret a = b = ... = value."""
        targets, right = [node.child_by_field_name("left")], node.child_by_field_name("right")
        while right is not None and right.type == "assignment":
            targets.append(right.child_by_field_name("left"))
            right = right.child_by_field_name("right")
        if right is None or node.child_by_field_name("type"):  # name: type = value, of Python 3
            return self._unsupported(node)
        value = self._evaluator.value(right)
        for target in targets:
            if target is not None:
                self._assign(target, value)
        return None

    def _assign(self, target: "Node", value: Value) -> None:
        """Assign to a target, which may be a list of targets, nested to any depth."""
        waiting = [(target, value)]
        while waiting:
            each, held = waiting.pop()
            if each.type == "identifier":
                self._scope.set(self._source.text(each).decode(), held)
            elif each.type in ("pattern_list", "tuple_pattern", "list_pattern"):
                waiting += reversed(list(zip(each.named_children, _parts(held, each), strict=True)))
            else:
                self._change_part(each, held)

    def _change_part(self, target: "Node", value: Value = None) -> None:
        """Interpret an assignment to an item or attribute, which changes what holds it.

        That becomes unknown, and so do lists that are assigned, as they can be changed there too.
        """
        why = Unknown(f"a change of {self._source.excerpt(target)}", line_of(target))
        self._scope.invalidate_by_calls(target)
        self._scope.invalidate(target, why)
        self._scope.invalidate_values([value], why)

    def _augmented_assignment(self, node: "Node") -> None:
        left, sign, right = (
            node.child_by_field_name(name) for name in ("left", "operator", "right")
        )
        assert left and sign and right  # noqa: S101 - the grammar has all three
        added = self._evaluator.value(right)
        if left.type != "identifier":
            return self._change_part(left, added)
        name, operator = self._source.text(left).decode(), self._source.text(sign).decode()[:-1]
        before = self._scope.names.get(name)
        if isinstance(before, list) and operator == "+" and isinstance(added, list | tuple):
            self._scope.lengthen(before, added)
            return self._scope.set(name, before)
        value = self._evaluator.combine(left, operator, added)
        if isinstance(value, Unknown):  # it may hold the lists that are added, and change them
            self._scope.invalidate_values([added], value)
        return self._scope.set(name, value)

    def _import(self, node: "Node") -> None:
        for each in walk(node):
            if each.type == "wildcard_import":
                self._scope.unanalysable.append((line_of(node), self._source.excerpt(node)))
        for name in node.children_by_field_name("name"):
            alias = name.child_by_field_name("alias")
            text = self._source.text(alias or name).decode(errors="replace").partition(".")[0]
            self._scope.set(text, Unknown(f"the module or name {text}, imported", line_of(node)))

    def _no_effect(self, node: "Node") -> None:
        self._scope.invalidate_by_calls(node)

    def _delete(self, node: "Node") -> None:
        waiting = [node]
        while waiting:
            each = waiting.pop()
            if each.type in ("subscript", "attribute"):
                self._change_part(each)
            elif each.type == "identifier":
                name = self._source.text(each).decode()
                self._scope.set(name, None)
                del self._scope.names[name]
            else:
                waiting += reversed(each.named_children)

    def _block(self, node: "Node") -> None:
        """Make unknown what a compound statement may set or change."""
        what = _BLOCKS.get(node.type, "the code")
        why = Unknown(f"the outcome of {what} on line {line_of(node)}", line_of(node))
        self._scope.invalidate_by_calls(node)
        self._scope.invalidate(node, why)
        for name in names_bound(node, self._source):
            self._scope.set(name, why)

    def _definition(self, node: "Node") -> None:
        for each in walk(node):
            if each.type == "parameters":
                why = Unknown(f"the function on line {line_of(node)}", line_of(node))
                self._scope.invalidate_by_calls(each)
                self._scope.invalidate(each, why)  # lists as defaults, which calls may change
        for each in walk(node):
            if each.type in ("function_definition", "class_definition"):
                name = each.child_by_field_name("name")
                if name is not None:
                    text = self._source.text(name).decode(errors="replace")
                    needs = f"{text}, which only Python can run"
                    self._scope.set(text, Unknown(needs, line_of(node)))
                return

    def _exec(self, node: "Node") -> None:
        self._scope.unanalysable.append((line_of(node), self._source.excerpt(node)))

    def _unsupported(self, node: "Node") -> None:
        message = "a statement that shimtool does not follow in a config of xm"
        where, seen = Location(self._path, line_of(node)), self._source.excerpt(node)
        self._faults.append(Fault(message, where, seen, "remove it"))


def _parts(value: Value, targets: "Node") -> Sequence[Value]:
    """Return the parts of a value, one for each of the targets."""
    count = len(targets.named_children)
    if isinstance(value, list | tuple) and len(value) == count:
        return value
    return [Unknown("a value with as many parts as there are names", line_of(targets))] * count


_BLOCKS = {
    "decorated_definition": "the definition",
    "if_statement": "the if",
    "for_statement": "the loop",
    "while_statement": "the loop",
    "try_statement": "the try",
    "with_statement": "the with",
    "class_definition": "the class",
}
_STATEMENTS: "Mapping[str, Callable[[Interpreter, Node], None]]" = {
    "expression_statement": Interpreter._expression,
    "import_statement": Interpreter._import,
    "import_from_statement": Interpreter._import,
    "future_import_statement": Interpreter._no_effect,
    "print_statement": Interpreter._no_effect,
    "assert_statement": Interpreter._no_effect,
    "pass_statement": Interpreter._no_effect,
    "global_statement": Interpreter._no_effect,
    "delete_statement": Interpreter._delete,
    "exec_statement": Interpreter._exec,
    "function_definition": Interpreter._definition,
    **dict.fromkeys(_BLOCKS, Interpreter._block),
}
