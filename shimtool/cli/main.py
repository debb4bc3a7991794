"""Runs the command line from start to exit code: signals, output streams, the door for errors."""

import gc
import os
import signal
import sys
from collections.abc import Mapping
from typing import NoReturn

from shimtool.cli.errors import INTERRUPTED, TERMINATED, Asked, report
from shimtool.errors import ShimtoolError, fault
from shimtool.system.streams import Output


def main(defaults: Mapping[str, object] | None = None) -> NoReturn:
    """Run the command line, and end the process.

    At once: threads of a halted run are not waited for, and to take all objects apart would take
    half as long as typer's import.
    """
    os._exit(run(defaults))


def run(defaults: Mapping[str, object] | None = None) -> int:
    """Run the command line; output that is closed or full stops no work, but the exit code is 1.

    SIGTERM (`docker stop`) ends it as Ctrl-C does, cleaned up; only the exit code is another.
    Without a handler the first process of a container would not notice it.
    `defaults` are values of options, by the names of the settings' fields, for every command.
    """
    asked = Asked()

    def terminate(_number: int, _frame: object) -> NoReturn:
        asked.terminated = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminate)
    # A parent may hand on that it is ignored: how our own children end would be lost.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    results, messages = Output(sys.stdout), Output(sys.stderr)
    sys.stdout, sys.stderr = results.text, messages.text
    code = _run(asked, defaults or {})
    if code == INTERRUPTED and asked.terminated:
        code = TERMINATED
    results.text.flush()
    if results.write_error is not None:
        if not results.reader_left:
            report(_unwritten(results.write_error), Asked(debug=asked.debug))
        code = code or 1
    messages.text.flush()
    return code


def _run(asked: Asked, defaults: Mapping[str, object]) -> int:
    gc.disable()  # what is loaded stays; a command turns it on again
    try:
        # Ctrl-C may come while this loads.
        from shimtool.cli.app import COMMANDS, app  # noqa: PLC0415

        names = COMMANDS.keys() - {"shims", "help"}  # they take none; help is an option, too
        app(prog_name="shimtool", obj=asked, default_map=dict.fromkeys(names, defaults))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException as error:  # noqa: BLE001 - the one door for errors
        return report(error, asked)
    return 0


def _unwritten(error: OSError) -> ShimtoolError:
    return fault(
        "the results could not be printed to standard output",
        seen=error.strerror,
        remedy="mend that, then run it again to see them",
    )
