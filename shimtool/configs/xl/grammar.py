"""Statements of xl.cfg as libxlu's parser (Xen 4.17) builds them, without recursion.

    file: (assignment? (newline | ";"))* assignment?
    assignment: IDENT ("=" | "+=") value        value: NUMBER | STRING | list
    list: "[" (value ("," value)* ","?)? "]"    with newlines anywhere inside it

After an error libxlu drops everything up to the next newline and says nothing more until three
tokens went well; here an assignment begun anew is trusted sooner, so that more errors show.
"""

from dataclasses import field
from typing import Literal

from shimtool.configs.xl.lexer import (
    ADD,
    CLOSE,
    COMMA,
    END,
    END_STATEMENT,
    IDENT,
    MOST_SHOWN,
    NEWLINE,
    NUMBER,
    OPEN,
    SET,
    STRING,
    Lexer,
    Problem,
    Token,
)
from shimtool.deferred import dataclass
from shimtool.model import ConfigString
from shimtool.text import printable

# libxlu's parser, made by bison, gives up ("memory exhausted") when its stack would hold 10000
# symbols. A list takes two of them when it is the first item of the list around it, else five;
# newlines and further items may take it a few symbols higher, which is not counted here.
_STACK_LIMIT = 9999
_STACK_OF_ASSIGNMENT = 4
_STACK_OF_EMPTY_LIST = 4

MOST_PROBLEMS = 1000  # a file with more of them is no config; spare the time


@dataclass(frozen=True, slots=True)
class Items:
    """A list value, with the 1-based line of its opening bracket."""

    items: tuple["Value", ...]
    line: int


Value = ConfigString | Items


@dataclass(frozen=True, slots=True)
class Assignment:
    """One assignment as written; `start` and `end` are its byte span, key to end of value."""

    key: str
    operator: Literal["=", "+="]
    value: Value
    line: int
    start: int
    end: int


class _SyntaxError(Exception):
    """Parsing of this statement cannot go on."""

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


class _TooDeepError(_SyntaxError):
    """Parsing of this file cannot go on."""


@dataclass(slots=True)
class _List:
    """A list whose closing bracket is still to come; `stack` is what bison holds below it."""

    line: int
    stack: int
    items: list[Value] = field(default_factory=list)


class Parser:
    """Reads all statements of `data` into `assignments`, all syntax errors into `problems`.

    Ends early after MOST_PROBLEMS of them.
    `end` is the byte offset where xl stops reading (see Lexer).
    """

    def __init__(self, data: bytes) -> None:
        self._lexer = Lexer(data)
        self._tokens = self._lexer.tokens()
        self._token = next(self._tokens)
        self._previous = self._token
        self._good = 3  # tokens that went well since the last error
        self.problems = self._lexer.problems
        self.assignments: list[Assignment] = []
        self._file()
        self.end = self._lexer.end

    def _file(self) -> None:
        while self._token.kind != END and len(self.problems) < MOST_PROBLEMS:
            if self._token.kind in (NEWLINE, END_STATEMENT):
                self._advance()
                continue
            first = self._token
            try:
                self._statement()
            except _TooDeepError as error:
                self._report(error)
                return
            except _SyntaxError as error:
                begun = first.kind == IDENT and self._token is not first
                if self._good >= 3 or begun:
                    self._report(error)
                self._recover()

    def _report(self, error: _SyntaxError) -> None:
        self.problems.append(Problem(self._token.line, error.message, error.remedy))

    def _recover(self) -> None:
        self._good = 0
        while self._token.kind not in (NEWLINE, END):
            self._token = next(self._tokens)

    def _advance(self) -> Token:
        """Take the current token; return it."""
        self._previous, self._token = self._token, next(self._tokens)
        self._good += 1
        return self._previous

    def _statement(self) -> None:
        if self._token.kind != IDENT:
            raise self._unexpected("a key", "write it as key = value")
        key = self._advance()
        operator: Literal["=", "+="] = "+=" if self._token.kind == ADD else "="
        if self._token.kind not in (SET, ADD):
            raise self._unexpected("= or +=", "write it as key = value")
        self._advance()
        value = self._value()
        name = self._lexer.data[key.start : key.end].decode()
        end = self._previous.end
        self.assignments.append(Assignment(name, operator, value, key.line, key.start, end))
        if self._token.kind not in (NEWLINE, END_STATEMENT, END):
            raise self._unexpected("the end of the line or ;", "put it on a line of its own")

    def _value(self) -> Value:
        if self._token.kind == OPEN:
            return self._list()
        if self._token.kind in (NUMBER, STRING):
            return self._lexer.atom(self._advance())
        if self._token.kind == IDENT:
            raise self._unexpected("a value", "put text in quotes")
        raise self._unexpected("a number, a quoted string or a list")

    def _list(self) -> Items:
        """Read a list with all lists inside it."""
        inner = _List(self._advance().line, _STACK_OF_ASSIGNMENT)
        outer: list[_List] = []
        while True:
            self._newlines()
            if self._token.kind == OPEN:
                outer.append(inner)
                inner = _List(self._token.line, inner.stack + (5 if inner.items else 2))
                if inner.stack + _STACK_OF_EMPTY_LIST > _STACK_LIMIT:
                    raise _TooDeepError("lists nested deeper than xl can read")
                self._advance()
                continue
            if self._token.kind == CLOSE:
                self._advance()
                done = Items(tuple(inner.items), inner.line)
                if not outer:
                    return done
                inner = outer.pop()
                inner.items.append(done)
            else:
                inner.items.append(self._item(inner))
            self._separator(inner)

    def _item(self, inner: _List) -> ConfigString:
        if self._token.kind not in (NUMBER, STRING):
            quoted = "put text in quotes" if self._token.kind == IDENT else None
            raise self._unexpected(f"an item or ] of the list begun on line {inner.line}", quoted)
        return self._lexer.atom(self._advance())

    def _separator(self, inner: _List) -> None:
        self._newlines()
        if self._token.kind == COMMA:
            self._advance()
        elif self._token.kind != CLOSE:
            raise self._unexpected(f", or ] of the list begun on line {inner.line}")

    def _newlines(self) -> None:
        while self._token.kind == NEWLINE:
            self._advance()

    def _unexpected(self, expected: str, remedy: str | None = None) -> _SyntaxError:
        kind, found = self._token.kind, self._text(self._token)
        shown = {END: "the end of the file", NEWLINE: "the end of the line"}.get(kind, found)
        return _SyntaxError(f"found {shown} where xl expects {expected}", remedy)

    def _text(self, token: Token) -> str:
        return printable(self._lexer.data[token.start : token.end], MOST_SHOWN)
