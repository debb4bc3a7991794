"""What is read, written and run, told to whoever listens: `shimtool --verbose` does."""

from collections.abc import Callable

Listener = Callable[[str, str], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Call `listener` with each verb ("read", "write", "run", "jail") and what it was done to."""
    _listeners.append(listener)


def is_heard() -> bool:
    """Whether anybody listens: who does wants to know all."""
    return bool(_listeners)


def note(verb: str, what: object) -> None:
    """Tell the listeners, if there are any; from any thread."""
    for listener in _listeners:
        listener(verb, str(what))
