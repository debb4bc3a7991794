"""Entry point: `shimtool` and `python -m shimtool`."""

import signal
import sys

from shimtool.cli import app


def main() -> None:
    """Run the command line; bytes that are no text never stop it from printing.

    SIGTERM (`docker stop`) ends it as Ctrl-C does: cleaned up, exit code 130. Without a handler
    the first process of a container would not notice it.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="shimtool")


if __name__ == "__main__":
    main()
