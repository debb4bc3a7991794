"""The one door for errors: whatever ends a command early becomes a text and an exit code here.

    expected (ShimtoolError)            1  every fault: what, where, the value seen, what to do
    unexpected (any other exception)    3  what was being done, the version, and a log file
    Ctrl-C                            130  nothing
    SIGTERM                           143  nothing

Wrong command lines (UsageError among them) are typer's to tell: their usage, exit code 2.
"""

import json
import os
import sys
from pathlib import Path

from shimtool import __version__, text
from shimtool.deferred import dataclass
from shimtool.errors import Code, Fault, Location, ShimtoolError
from shimtool.system import activity
from shimtool.text import printable

INTERRUPTED, TERMINATED = 130, 143  # 128 and the signal's number, as shells have it


class CrashedGuestsError(BaseExceptionGroup[BaseException]):
    """What went wrong in shimtool itself on some guests, after the results were printed."""


@dataclass(slots=True)
class Asked:
    """What is known of the command line so far, by the time an error is told."""

    command: str = "shimtool"
    as_json: bool = False
    debug: bool = False
    out: Path | None = None
    terminated: bool = False
    _verbose: bool = False

    def take(self, *, verbose: bool, debug: bool) -> None:
        """Heed --verbose and --debug, before or after the command's name."""
        self.debug = self.debug or debug
        if verbose and not self._verbose:
            activity.listen(_tell)
            self._verbose = True


def _tell(verb: str, what: str) -> None:
    print(f"{verb}: {printable(what)}", file=sys.stderr)


def report(error: BaseException, asked: Asked) -> int:
    """Print what `error` means; return the exit code."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, ShimtoolError):
        code, told = 1, error
    else:
        code, told = 3, _unexpected(error, asked)
    if asked.debug:
        print(_traceback(error), file=sys.stderr)
    print(text.error(told), file=sys.stderr)
    if asked.as_json and not isinstance(error, CrashedGuestsError):
        # Loads most of shimtool.
        from shimtool.cli.results.documents import Errors  # noqa: PLC0415
        from shimtool.cli.results.reasons import reason  # noqa: PLC0415

        document: Errors = {"errors": list(map(reason, told.faults))}
        print(json.dumps(document, indent=1))
    return code


def _traceback(error: BaseException) -> str:
    from traceback import format_exception  # noqa: PLC0415 - only when something went wrong

    lines = "".join(format_exception(error)).splitlines()
    return "\n".join(map(printable, lines))


def _unexpected(error: BaseException, asked: Asked) -> ShimtoolError:
    about = f"shimtool {__version__}, Python {sys.version.split()[0]}, {asked.command}"
    try:
        log: Path | None = _log(f"{about}\n\n{_traceback(error)}\n", asked.out)
    except OSError:
        log = None
    remedy = "report it with that file; every output from before is as it was, or whole"
    return ShimtoolError(
        Fault(
            f"{asked.command} failed because of a fault in shimtool itself:"
            f" {type(error).__name__}: {error}",
            Location(log) if log else None,
            about,
            remedy if log else "run it again with --debug, and report what it prints",
            code=Code.CRASH,
        )
    )


def _log(content: str, out: Path | None) -> Path:
    """Keep a traceback where it outlives a container: in --out, else in the temporary folder."""
    import tempfile  # noqa: PLC0415 - only when something went wrong

    folders = [str(out)] if out is not None and out.is_dir() else []
    for folder in (*folders, tempfile.gettempdir()):
        try:
            descriptor, name = tempfile.mkstemp(".log", "shimtool-error-", folder)
        except OSError:
            continue
        with os.fdopen(descriptor, "w", errors="backslashreplace") as file:
            file.write(content)
        return Path(name)
    raise FileNotFoundError
