"""What all commands have in common: options, and how typer shows them."""

from typing import Annotated, Any

import typer

STYLE: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "no_args_is_help": True,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say on standard error what is read, written, run.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")]


def told(what: str, default: object) -> str:
    """Return a help text with a default that typer cannot know, as it tells others."""
    return f"{what}  [default: {default}]"
