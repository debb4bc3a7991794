"""`make man`: each page of the manual as man reads it."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from shimtool import __version__
from tests.support.debs import ROOT
from tests.support.pages import DOCS

PAGES = sorted(path.stem for path in DOCS.glob("*.[0-9].md"))

# A table may be wider than 80 columns, as names in it are not divided; pages are for printers.
HARMLESS = re.compile(
    r"warning: (?:.* around line \d+:\n  table wider than line width"
    r"|page \d+: table text block will not fit on one page)\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("man") / "man"
    subprocess.run([ROOT / "container" / "make-man", made], check=True)
    return made


def formatted(page: Path) -> "subprocess.CompletedProcess[str]":
    """What man shows on a terminal of 80 columns, without styles; what groff has against it."""
    environ = {**os.environ, "GROFF_NO_SGR": "1"}
    return subprocess.run(
        ["groff", "-t", "-man", "-ww", "-Wbreak", "-Tutf8", "-rLL=80n", "-P-cbou", page],
        capture_output=True, text=True, check=True, env=environ,
    )  # fmt: skip


def test_there_is_a_page_of_each(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_man_shows_it(folder: Path, name: str) -> None:
    done = formatted(folder / name)
    assert HARMLESS.sub("", done.stderr) == ""
    title, section = name.rsplit(".", 1)
    assert re.match(rf"{title}\({section}\) .*manual .*{title}\({section}\)\n", done.stdout)
    assert re.search(rf"\nName\n +{title} - \w", done.stdout)
    assert f"shimtool {__version__}" in done.stdout.splitlines()[-1]
    assert "<!--" not in done.stdout


def test_no_option_is_divided(folder: Path) -> None:
    """Who looks for a name in a page, or copies it, needs it whole."""
    shown = formatted(folder / "shimtool.1").stdout
    assert "\u2010\n" not in shown
    assert len(set(re.findall(r"--[a-z][a-z-]+[a-z]", shown))) > 20
