"""Expressions and whole programs give what they give in Python itself.

The programs are made up here, from a small grammar in which Python 2 and 3 agree.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shimtool.configs.xm import translate
from shimtool.configs.xm.evaluator import Evaluator
from shimtool.configs.xm.scope import Scope
from shimtool.configs.xm.source import parse_python
from shimtool.configs.xm.values import Unknown, Value
from tests.conftest import EXAMPLES
from tests.support import libxlu
from tests.support.config_strategies import Choices

thorough = settings(max_examples=EXAMPLES, deadline=None)


def evaluated(expression: str) -> Value:
    source = parse_python(b"x = " + expression.encode() + b"\n")
    assert not source.root.has_error, expression
    assignment = source.root.named_children[0].named_children[0]
    value = assignment.child_by_field_name("right")
    assert value is not None
    return Evaluator(Scope(source)).value(value)


def as_python(value: Value) -> object:
    match value:
        case bytes():
            return value.decode("latin-1")
        case list():
            return [as_python(each) for each in value]
    return value


PIECES = ["a", "Z", " ", "0", "\\\\", "\\n", "\\t", "\\x41", "\\101", "\\q", "%%", "{{", "}}", ","]
TEMPLATES = ["%s", "%5s", "%-4s|", "%.2s", "%s%%"]
NUMERIC = ["%d", "%03d", "%+d", "%x", "%X", "%-5d|", "%o", "%i", "% d", "%s"]
FIELDS = ["{}", "{:>4}", "{:<5}|", "{0}", "{:^6}"]


class ExpressionMaker:
    """Makes up expressions, most of which Python can evaluate."""

    def __init__(self, drawn: bytes) -> None:
        self._choices = Choices(drawn)
        self._left = 25

    def anything(self) -> str:
        return self._choices.of([self.text, self.number, self.items])()

    def _simple(self) -> bool:
        self._left -= 1
        return self._left < 0 or not self._choices.number(3)

    def quoted(self) -> str:
        quote = self._choices.of(["'", '"', "'''", '"""'])
        text = "".join(self._choices.several(5, lambda: self._choices.of(PIECES)))
        return self._choices.of(["", "", "", "r"]) + quote + text.removesuffix("\\\\") + quote

    def text(self) -> str:
        if self._simple():
            return self.quoted()
        of, small = self._choices.of, self._choices.number
        make: list[Callable[[], str]] = [
            lambda: f"({self.text()} + {self.text()})",
            lambda: f"({self.quoted()} {self.quoted()})",
            lambda: f"({self.text()} * {small(5) - 1})",
            lambda: f"({small(3)} * {self.text()})",
            lambda: f"('a{of(TEMPLATES)}b' % {self.text()})",
            lambda: f"('{of(NUMERIC)}' % ({self.number()},))",
            lambda: f"('{of(TEMPLATES)}{of(NUMERIC)}' % ({self.text()}, {self.number()}))",
            lambda: f"({self.quoted()} % ({self.text()}, {self.number()}))",
            lambda: f"('%(a)s-%(b)d' % {{'a': {self.text()}, 'b': {self.number()}}})",
            lambda: f"'<{of(FIELDS)}>'.format({of([self.text, self.number])()})",
            lambda: f"'{{x}}{{1}}{{0}}'.format({self.text()}, {self.number()}, x={self.text()})",
            lambda: f"str({of([self.text, self.number])()})",
            lambda: f"({of([self.text, self.items])()})[{small(7) - 3}]",
            lambda: f"({self.text()}).{of(['lower', 'upper', 'strip'])}()",
            lambda: f"({self.text()}).replace({self.text()}, {self.text()})",
            lambda: f"({self.text()}).join({self.items()})",
        ]
        return of(make)()

    def number(self) -> str:
        of, small = self._choices.of, self._choices.number
        if self._simple():
            return of([str(small(256) * small(256) - 40), "0x1f", "0", "0o17", "0b101"])
        make: list[Callable[[], str]] = [
            lambda: f"({self.number()} {of(['+', '-', '*', '//', '%'])} {self.number()})",
            lambda: f"({self.number()} {of(['|', '&', '^'])} {self.number()})",
            lambda: f"({self.number()} {of(['<<', '>>'])} {small(5)})",
            lambda: f"({of('-+~')}{self.number()})",
            lambda: f"len({of([self.text, self.items])()})",
            lambda: f"int(str({self.number()}))",
        ]
        return of(make)()

    def items(self) -> str:
        if self._simple():
            return f"[{', '.join(self._choices.several(3, self.text))}]"
        make: list[Callable[[], str]] = [
            lambda: f"({self.items()} + {self.items()})",
            lambda: f"({self.items()} * {self._choices.number(4) - 1})",
        ]
        return self._choices.of(make)()


EXPRESSIONS = st.binary(max_size=80).map(lambda drawn: ExpressionMaker(drawn).anything())


@thorough
@pytest.mark.filterwarnings("ignore:invalid escape")
@given(EXPRESSIONS)
def test_expressions_give_what_python_gives(expression: str) -> None:
    try:
        theirs = eval(expression, {})  # noqa: S307 - made up above
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        evaluated(expression)  # in Python the whole config fails; here what needs the value
        return
    assume(not isinstance(theirs, int) or abs(theirs) < 1 << 63)
    found = evaluated(expression)
    assert as_python(found) == theirs, expression
    assert type(as_python(found)) is type(theirs)


LISTS, WORDS = ["disk", "vif", "a", "b"], ["name", "extra", "kernel", "s"]
NOISE = ["import os", "# note", "", "pass", "vcpus = 2", "'a note'", "print"]
START = "disk = []; vif = []; a = []; b = ['b']\nname = 'n'; extra = ''; kernel = 'k'; s = 's'\n"


def statement(choices: Choices) -> str:
    def of(names: list[str]) -> str:
        return choices.of(names)

    word = of(WORDS) if choices.number(2) else repr(of(["x", 'y"', "it's", "\\"]))
    make: list[Callable[[], str]] = [
        lambda: f"{of(LISTS)} = [{word}]",
        lambda: f"{of(LISTS)} = {of(LISTS)}",
        lambda: f"{of(LISTS)} = {of(LISTS)} + {of(LISTS)}",
        lambda: f"{of(LISTS)} += {of(LISTS)}",
        lambda: f"{of(LISTS)} += [{word}]",
        lambda: f"{of(LISTS)}.append({word})",
        lambda: f"{of(LISTS)}.extend({of(LISTS)})",
        lambda: f"{of(LISTS)} = {of(LISTS)} = [{word}]",
        lambda: f"{of(LISTS)}, {of(LISTS)} = {of(LISTS)}, {of(LISTS)}",
        lambda: f"{of(WORDS)} = {word}",
        lambda: f"{of(WORDS)} += {word}",
        lambda: f"{of(WORDS)} = {of(WORDS)} = '%s.' % {word}",
        lambda: f"del {of(LISTS + WORDS)}",
        lambda: f"{of(LISTS + WORDS)} = None",
        lambda: of(NOISE),
    ]
    return choices.of(make)()


def statements(drawn: bytes) -> list[str]:
    choices = Choices(drawn)
    return choices.several(12, lambda: statement(choices))


@thorough
@given(st.binary(max_size=60).map(statements), st.sampled_from(["\n", "\r\n", "; "]))
def test_programs_leave_what_python_leaves(lines: list[str], end: str) -> None:
    if end == "; ":
        lines = [each for each in lines if each and not each.startswith("#")]
    program = START + "memory = 64\n" + end.join([*lines, "import os"]) + "\n"
    theirs: dict[str, object] = {}
    try:
        exec(program, {}, theirs)  # noqa: S102 - made up above
    except (NameError, TypeError, AttributeError):
        assume(False)
    assume(
        all("[None" not in str(value) and ", None" not in str(value) for value in theirs.values())
    )
    with libxlu.reading(translate(program.encode(), Path("g"))) as reading:
        assert reading.accepted, reading.complaints
        for key in ("disk", "vif", "extra", "kernel"):
            assert seen(reading.value(key)) == theirs.get(key), (key, program)
        assert seen(reading.value("name")) == (theirs.get("name") or "g")


def seen(value: libxlu.Tree | None) -> object:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return None if value is None else [seen(each) for each in value]


# What Python 2 does and Python 3 does not.
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0700", 448),
        ("7 / 2", 3),
        ("-7 / 2", -4),
        ("0777 & 0xf", 15),
        ("'%s' % 1.0", b"1.0"),
        ("'%s' % 0.1", b"0.1"),
        ("'%s' % (2.0 / 3)", b"0.666666666667"),
        ("str(1e16)", b"1e+16"),
        ("'%s' % True", b"True"),
        ("'%s' % None", b"None"),
        ("u'a' + 'b'", "ab"),
        ("str(u'ab')", b"ab"),
        ("'%s-%d' % (u'x', 1)", "x-1"),
        ("ur'a\\n'", "a\\n"),
        ("'\\u0041'", b"\\u0041"),
        ("'\\400'", b"\0"),
        ("'abc'[1]", b"b"),
        ("'abc'[-1]", b"c"),
        ("1.5 * 2", 3.0),
        ("('a'\n 'b' # note\n)", b"ab"),
    ],
)
def test_python_2(expression: str, value: object) -> None:
    found = evaluated(expression)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "expression",
    [
        "10L",
        "1 << 70",
        "9223372036854775807 + 1",
        "'%*d' % (5, 1)",
        "'%1001d' % 1",
        "'%.1001d' % 1",
        "'%c' % 65",
        "'%r' % 'a'",
        "'{0.real}'.format(1)",
        "'{0[0]}'.format('a')",
        "'{!r}'.format('a')",
        "'{:{}}'.format('a', 9)",
        "'{:1001}'.format('a')",
        "'{}'.format(*[1])",
        "u'\\u00e9'",
        "u'\\N{DIGIT ONE}'",
        "f'{1}'",
        "'\\x4'",
        "'a'.encode('zlib')",
        "'a'.__class__",
        "str.__subclasses__()",
        "[].__len__()",
        "int('1_0')",
        "int('9' * 5000)",
        "'a' if 1 else 'b'",
        "1 < 2",
        "not 1",
        "[x for x in []]",
        "lambda: 1",
        "'abc'[0:2]",
        "{'a': 1}['b']",
        "`1`",
    ],
)
def test_not_worked_out(expression: str) -> None:
    assert isinstance(evaluated(expression), Unknown)


@pytest.mark.parametrize("depth", [10, 90, 101, 5000])
@pytest.mark.parametrize("make", ["({}+'a')", "[{}]", "str({})", "-{}", "('%s' % {})"], ids=repr)
def test_depth_is_bounded(depth: int, make: str) -> None:
    opening, closing = make.split("{}")
    evaluated(opening * depth + "'a'" + closing * depth)
