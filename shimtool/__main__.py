"""Entry point: `shimtool` and `python -m shimtool`."""

import signal
import sys

from shimtool import text
from shimtool.cli.app import app
from shimtool.errors import ShimtoolError, fault
from shimtool.system.streams import Output


def main() -> None:
    """Run the command line; output that is closed or full stops no work, but the exit code is 1.

    SIGTERM (`docker stop`) ends it as Ctrl-C does: cleaned up, exit code 130. Without a handler
    the first process of a container would not notice it.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results, messages = Output(sys.stdout), Output(sys.stderr)
    sys.stdout, sys.stderr = results.text, messages.text
    try:
        app(prog_name="shimtool")
    except SystemExit as end:
        results.text.flush()
        if results.trouble is None:
            raise
        if not results.left:
            print(text.error(_unwritten(results.trouble)), file=sys.stderr)
        raise SystemExit(end.code or 1) from None


def _unwritten(error: OSError) -> ShimtoolError:
    return fault(
        "the results could not be printed to standard output",
        seen=error.strerror,
        remedy="mend that, then run it again to see them",
    )


if __name__ == "__main__":
    main()
