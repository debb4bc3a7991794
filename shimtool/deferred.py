"""Classes and patterns as the standard library makes them, compiled when they are first used.

dataclasses writes source text for every method of every class and compiles it at import: 0.6 ms
for a frozen class with slots. There are 150 of these, and most commands make objects of few. A
pattern takes 0.2 ms, and 6 ms where it names ranges of Unicode.
"""

import dataclasses
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:  # to type checkers it is just that
    from dataclasses import dataclass
    from re import compile as regex
else:

    def dataclass(
        given: type | None = None,
        /,
        *,
        frozen: bool = False,
        slots: bool = False,
        kw_only: bool = False,
    ) -> Any:  # noqa: ANN401 - a class, or what makes one, as in the standard library
        """Make a dataclass; as dataclasses.dataclass, of whose parameters it takes these."""

        def decorate(cls: type) -> type:
            owner: list[type] = []
            cls.__doc__ = cls.__doc__ or cls.__name__  # else its signature, which takes 5 ms
            for name in _METHODS if frozen else _METHODS - {"__hash__"}:
                if vars(cls).get(name) is None:
                    setattr(cls, name, _compiled_when_called(name, owner, frozen=frozen))
            if frozen:
                cls.__setattr__, cls.__delattr__ = _refuse_to_set, _refuse_to_delete
                cls.__setstate__ = _set_state
            plain = {"init": False, "repr": False, "eq": False}  # compiles nothing
            owner.append(dataclasses.dataclass(cls, slots=slots, kw_only=kw_only, **plain))
            return owner[0]

        return decorate if given is None else decorate(given)

    class regex:  # noqa: N801 - it stands for a function
        """A pattern, as re.compile returns it; what is asked of it compiles it."""

        def __init__(self, source: str | bytes, flags: int = 0) -> None:
            self._source, self._flags = source, flags

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a pattern has
            found = getattr(re.compile(self._source, self._flags), name)
            setattr(self, name, found)  # found here from now on: __getattr__ is asked no more
            return found


_METHODS = {"__init__", "__repr__", "__eq__", "__hash__"}


def _compiled_when_called(name: str, owner: list[type], *, frozen: bool) -> Callable[..., Any]:
    def method(self: object, *values: object, **named: object) -> Any:  # noqa: ANN401 - the method's
        compiled = _compile(owner[0], name, frozen=frozen)
        setattr(owner[0], name, compiled)
        return compiled(self, *values, **named)

    return method


def _compile(cls: type[Any], name: str, *, frozen: bool) -> Callable[..., Any]:
    """Return one of the methods: __init__ is ours, of fewer steps, and the others are a twin's."""
    if name == "__init__":
        return _compile_init(cls, frozen=frozen)
    twin = dataclasses.make_dataclass(
        cls.__name__,
        [(each.name, object, _like(each)) for each in dataclasses.fields(cls)],
        namespace={"__doc__": cls.__name__},  # else its signature, as above
        init=False,
        repr=name == "__repr__",
        eq=name in ("__eq__", "__hash__"),
        unsafe_hash=name == "__hash__",
    )
    method: Callable[..., Any] = vars(twin)[name]
    return method


def _like(each: "dataclasses.Field[Any]") -> Any:  # noqa: ANN401 - field()'s own type is a lie
    return dataclasses.field(repr=each.repr, hash=each.hash, compare=each.compare)


def _compile_init(cls: type[Any], *, frozen: bool) -> Callable[..., Any]:
    known: dict[str, object] = {"_set": object.__setattr__, "_missing": dataclasses.MISSING}
    parameters, body = ["self"], ["pass"]
    by_name: list[str] = []
    for each in dataclasses.fields(cls):
        name, default, value = each.name, "", each.name
        if each.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = each.default_factory
            default = "=_missing"
            value = f"_make_{name}() if {name} is _missing else {name}"
        elif each.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = each.default
            default = f"=_default_{name}"
        if each.init:
            (by_name if each.kw_only else parameters).append(name + default)
        elif default:
            value = default[1:] if value == name else f"_make_{name}()"
        if each.init or default:
            body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    head = ", ".join([*parameters, *(["*", *by_name] if by_name else [])])
    lines = "\n ".join(body)
    exec(f"def __init__({head}):\n {lines}", known)  # noqa: S102 - as dataclasses does; names only
    method: Any = known["__init__"]
    method.__qualname__ = f"{cls.__qualname__}.__init__"
    return method  # type: ignore[no-any-return]


def _refuse_to_set(_self: object, name: str, _value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _set_state(self: object, state: Any) -> None:  # noqa: ANN401 - what copy and pickle give
    for part in state if isinstance(state, tuple) else (state,):
        for name, value in (part or {}).items():
            object.__setattr__(self, name, value)


__all__ = ["dataclass", "regex"]
