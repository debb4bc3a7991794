"""Check an image's libraries against pyproject.toml: what it names is there, and what that needs.

`check_lock.py LIBRARIES PYPROJECT`; make-context runs it. Exit code 1, one line for each library
that requirements.txt lacks or pins to a version that is not allowed.
"""

import sys
import tomllib
from collections import deque
from collections.abc import Iterator, Sequence
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# rich loads them for Markdown and for coloured source code only; update-lock drops them.
LEFT_OUT = ("markdown-it-py", "pygments")


def main() -> None:
    """Print what is wrong."""
    libraries, project = sys.argv[1:]
    named = tomllib.loads(Path(project).read_text())["project"]
    wanted = [*named["dependencies"], *named["optional-dependencies"]["disks"]]
    if wrong := list(lacking(Path(libraries), wanted)):
        sys.exit("\n".join([*wrong, "run container/image/update-lock, then try again"]))


def lacking(libraries: Path, wanted: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the libraries in a folder, given the requirements of the project."""
    there = {canonicalize_name(found.name): found for found in distributions(path=[str(libraries)])}
    asked = deque(("pyproject.toml", Requirement(text)) for text in wanted)
    seen = set()
    while asked:
        who, requirement = asked.popleft()
        name = canonicalize_name(requirement.name)
        if name in LEFT_OUT or (requirement.marker and not requirement.marker.evaluate()):
            continue
        found = there.get(name)
        if found is None:
            yield f"{who} asks for {requirement}, which requirements.txt does not have"
        elif not requirement.specifier.contains(found.version):
            yield f"{who} asks for {requirement}, requirements.txt has {found.version}"
        elif name not in seen:
            seen.add(name)
            asked.extend((name, Requirement(text)) for text in found.requires or [])


if __name__ == "__main__":
    main()
