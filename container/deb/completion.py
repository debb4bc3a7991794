"""Print what bash completes after `shimtool`: its commands, and the options of each.

Made when the package is built: to ask the program at each Tab would take 0.2 s.
"""

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from shimtool.cli.app import app
from shimtool.cli.manual import pages

HEAD = """\
# bash completion of shimtool: commands, options, and files wherever a word is none of these.
_shimtool() {
    local word=${COMP_WORDS[COMP_CWORD]} words
    case "${COMP_WORDS[*]:1:COMP_CWORD-1}" in
"""
TAIL = """\
    esac
    # Options where one is begun; else files, of which bash itself knows.
    [[ $word == -* || $words != --* ]] || words=
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -o bashdefault -F _shimtool shimtool
"""


def main() -> None:
    """Print the script."""
    cases = [f"        {pattern}) words='{words}' ;;\n" for pattern, words in _cases()]
    print(HEAD + "".join(cases) + TAIL, end="")


def _cases() -> Iterator[tuple[str, str]]:
    """Yield patterns of the words so far, and what may come next; the first that fits counts."""
    top = get_command(app)
    assert isinstance(top, TyperGroup)  # noqa: S101 - for mypy
    yield "''", " ".join([*top.commands, "--help", "--version"])
    yield "help", " ".join([*pages(), *top.commands])
    for name, command in top.commands.items():
        if isinstance(command, TyperGroup):
            yield name, " ".join([*command.commands, "--help"])
            for inner, below in command.commands.items():
                yield f"'{name} {inner}'*", _options(below)
        elif name != "help":
            yield f"{name}*", _options(command)


def _options(command: Any) -> str:  # noqa: ANN401 - typer's own click has no public name
    context = command.make_context("", [], resilient_parsing=True)
    found = [
        word
        for each in command.get_params(context)
        for word in (*each.opts, *each.secondary_opts)
        if word.startswith("--")
    ]
    return " ".join(found)


if __name__ == "__main__":
    main()
