"""Entry point: `shimtool` and `python -m shimtool`."""

import sys

from shimtool.cli import app


def main() -> None:
    """Run the command line; bytes that are no text never stop it from printing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="shimtool")


if __name__ == "__main__":
    main()
