"""What long work tells whoever waits for it; here: nobody."""

from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Told how far the guests are, from any thread. This one does nothing with it."""

    def found(self, guests: int) -> None:
        """Take note of how many guests there are."""

    @contextmanager
    def guest(self, _name: str) -> Iterator[None]:
        """Surround the work on one guest."""
        yield

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Surround printing, so that it does not run into what is shown."""
        yield


NO_PROGRESS = Progress()
