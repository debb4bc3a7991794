"""Print what a shell completes after `shimtool`: its commands, and the options of each.

    completion.py bash|zsh|fish

Made when the package is built: to ask the program at each Tab would take 0.2 s.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from shimtool.cli.app import app
from shimtool.cli.manual import pages

# `words` are a case's; options are offered where one is begun, else files, of which shells know.
BASH = """\
# bash completion of shimtool: commands, options, and files wherever a word is none of these.
_shimtool() {
    local word=${COMP_WORDS[COMP_CWORD]} words
    case "${COMP_WORDS[*]:1:COMP_CWORD-1}" in
%s    esac
    [[ $word == -* || $words != --* ]] || words=
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -o bashdefault -F _shimtool shimtool
"""
ZSH = """\
#compdef shimtool
# zsh completion of shimtool: commands, options, and files wherever a word is none of these.
local offered
case "${(j: :)words[2,CURRENT-1]}" in
%sesac
if [[ $words[CURRENT] == -* || $offered != --* ]]; then
    compadd -- ${=offered}
else
    _files
fi
"""
FISH = """\
# fish completion of shimtool: commands, options, and files wherever a word is none of these.
function __shimtool_offered
    switch (string join -- ' ' (commandline -opc)[2..])
%s    end
end
function __shimtool_fits
    if string match -q -- '-*' (commandline -ct)
        __shimtool_offered
    else
        __shimtool_offered | string match -v -- '-*'
    end
end
complete -c shimtool -a '(__shimtool_fits)'
"""


def main(shell: str) -> None:
    """Print the script."""
    print(_SCRIPTS[shell](), end="")


def _bash() -> str:
    cases = [f"        {pattern}) words='{words}' ;;\n" for pattern, words in _cases()]
    return BASH % "".join(cases)


def _zsh() -> str:
    cases = [f"    {pattern}) offered='{words}' ;;\n" for pattern, words in _cases()]
    return ZSH % "".join(cases)


def _fish() -> str:
    cases = []
    for pattern, words in _cases():
        quoted = pattern if pattern.startswith("'") else f"'{pattern}'"
        whole = quoted.replace("'*", "*'")  # fish expands a bare star to files
        cases.append(f"        case {whole}\n            printf '%s\\n' {words}\n")
    return FISH % "".join(cases)


_SCRIPTS: dict[str, Callable[[], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}


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
    main(*sys.argv[1:])
