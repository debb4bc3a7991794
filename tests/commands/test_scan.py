"""scan of many guests: what people see at a terminal, what scripts get, and what is counted."""

import json
from pathlib import Path

import pytest

from shimtool.cli.results.documents import ScannedGuest
from tests.support.dom0 import Dom0
from tests.support.screen import Seen, on_screen

LONG = "database-with-a-very-long-name-01"


@pytest.fixture
def many(dom0: Dom0) -> Dom0:
    """Guests that convert, two refused for one reason, one for two more, and one that is HVM."""
    for name in ("web01", "web02", LONG, "[bold]mark:smile:"):
        dom0.guest(name)
    for name in ("old1", "old2"):
        dom0.config(f"{name}.cfg", f'name = "{name}"\nkernel = "/boot/gone"\n')
    dom0.config("pci.cfg", 'name = "pci"\nkernel = "/boot/gone"\npci = ["00:1d.0"]\n')
    dom0.config("win.cfg", 'name = "win"\nbuilder = "hvm"\n')
    return dom0


def options(dom0: Dom0) -> list[str | Path]:
    return ["--in", dom0.configs, "--out", dom0.out, "--map", f"/boot={dom0.boot}"]


def scan(dom0: Dom0, columns: int, *words: str, **environ: str) -> Seen:
    seen = on_screen("scan", *words, *options(dom0), columns=columns, environ=environ)
    assert seen.code == 0, seen.text
    return seen


def row(seen: Seen, name: str) -> list[str]:
    (line,) = [line for line in seen.lines if line.split()[:1] == [name]]
    return line.split()


@pytest.mark.parametrize("columns", [45, 80, 140])
def test_every_guest_has_a_line_whatever_the_width(many: Dom0, columns: int) -> None:
    seen = scan(many, columns)
    assert row(seen, "NAME")[:4] == ["NAME", "TYPE", "BOOT", "CONVERTIBLE"]
    assert row(seen, "web01")[:4] == ["web01", "pv", "kernel", "yes"]
    assert row(seen, "old2")[:4] == ["old2", "pv", "kernel", "no"]
    assert row(seen, "win")[:4] == ["win", "hvm", "none", "no"]
    said = " ".join(line.strip() for line in seen.lines)
    assert "8 guests: 4 would convert, 1 not PV, 3 refused" in said
    assert "PCI passthrough does not work through the shim (pci)" in said
    column = next(line for line in seen.lines if "CONVERTIBLE" in line).index("CONVERTIBLE")
    assert max(map(len, seen.lines)) <= columns
    for name, word in (("web01", "yes"), ("win", "no")):
        (line,) = [line for line in seen.lines if line.split()[:1] == [name]]
        assert line[column:].split()[0] == word


@pytest.mark.parametrize("columns", [80, 140])
def test_it_is_one_line_a_guest(many: Dom0, columns: int) -> None:
    seen = scan(many, columns)
    assert [line.split()[3] for line in seen.lines[1:9]].count("yes") == 4
    assert seen.lines[9].startswith("8 guests: ")
    assert seen.lines[-1] == "why not, in whole, and what to do: shimtool scan -v"
    (pci,) = [line for line in seen.lines if line.startswith("pci ")]
    assert pci.endswith("(+1)"), "the second reason is counted"
    assert ("…" in pci) == (columns == 80)


@pytest.mark.parametrize(
    ("columns", "words"), [(45, ()), (45, ("-v",)), (80, ("-v",)), (140, ("-v",))]
)
def test_reasons_stand_below_in_whole_words(
    many: Dom0, columns: int, words: tuple[str, ...]
) -> None:
    """Where that is wanted, or a line has no room."""
    seen = scan(many, columns, *words)
    at = seen.lines.index(next(line for line in seen.lines if line.startswith("pci ")))
    below = seen.lines[at + 1 : at + 9]
    assert all(line.startswith("    ") for line in below[:2])
    text = " ".join(line.strip() for line in below)
    assert "PCI passthrough does not work through the shim" in text
    assert "kernel /boot/gone is not here" in text
    assert "scan -v" not in seen.text


@pytest.mark.parametrize("columns", [45, 80, 140])
def test_what_differs_is_told_in_a_few_words(dom0: Dom0, columns: int) -> None:
    """In the last column as far as it has room, below the guest where there is none."""
    dom0.guest("web01")
    dom0.guest("db01", "vcpus = 4\nmaxvcpus = 8\nmaxmem = 4096\nvfb = ['type=vnc']\n")
    dom0.config("gone.cfg", 'name = "gone"\nkernel = "/boot/gone"\n')
    seen = scan(dom0, columns)
    assert max(map(len, seen.lines)) <= columns
    text = " ".join(" ".join(seen.lines).split())
    if columns == 45:
        every = "maxmem fixed, kernel on ISO, maxvcpus fixed, migrates with 1 vCPU, no vfb"
        assert f"differs: memory +27 MB, {every}" in text
        return
    column = seen.lines[0].index("DIFFERS / WHY NOT")
    cells = {line.split()[0]: line[column:].rstrip() for line in seen.lines[1:4]}
    assert cells["web01"] == "memory +27 MB, kernel on ISO"
    rest = "maxvcpus fixed, migrates with 1 vCPU, no vfb"
    more = f", {rest}" if columns == 140 else ", +3"
    assert cells["db01"] == f"memory +27 MB, maxmem fixed, kernel on ISO{more}"
    assert cells["gone"].startswith("kernel /boot/gone is not here")


def test_what_differs_is_data(dom0: Dom0) -> None:
    dom0.guest("web01", "vfb = ['type=vnc']\n")
    dom0.config("gone.cfg", 'name = "gone"\nkernel = "/boot/gone"\n')
    gone, web = json.loads(dom0.run("scan", "--json").out)
    assert (gone["differs"], gone["memory"]) == ([], None)
    assert [each["code"] for each in web["differs"]] == ["memory", "kernel-upgrade", "key"]
    assert web["differs"][0] == {
        "code": "memory",
        "short": "memory +27 MB",
        "message": "memory=512 becomes 539: the host gives 27 MB more, which the shim takes",
    }
    sizes = web["memory"]
    assert (sizes["before"], sizes["after"], sizes["guest"]) == (512, 539, 512)
    assert sizes["needed"] < 100  # a tiny kernel
    (kept, *_others) = json.loads(dom0.run("scan", "--json", "--memory", "keep").out)[1]["differs"]
    assert kept["short"] == "guest -25 MB"


def test_plan_lists_what_differs_in_whole(dom0: Dom0) -> None:
    config = dom0.guest("web01", "vcpus = 2\n")
    said = dom0.run("plan", config).out
    (web,) = json.loads(dom0.run("plan", "--json", config).out)
    assert len(web["differs"]) == 3
    for each in web["differs"]:
        assert f"  differs:      {each['message']}\n" in said
    assert "warning" in dom0.run("convert", config).err
    warnings, told = ({each["message"] for each in web[key]} for key in ("warnings", "differs"))
    assert len(warnings & told) == 2, "what differs and warns is both"
    assert said.count("with more than one vCPU") == 1


def test_long_names_fold_where_there_is_no_room(many: Dom0) -> None:
    lines = scan(many, 45).lines
    start = next(at for at, line in enumerate(lines) if line.startswith(LONG[:8]))
    room = lines[0].index("TYPE")
    assert "".join(line[:room].strip() for line in lines[start : start + 2]) == LONG
    assert lines[start].split()[1:] == ["pv", "kernel", "yes"]
    assert LONG in scan(many, 140).text


def test_names_are_never_markup(many: Dom0) -> None:
    for columns in (80, 140):
        assert row(scan(many, columns), "[bold]mark:smile:")[3] == "yes"


def test_colours_only_where_they_are_wanted(many: Dom0) -> None:
    coloured, plain = scan(many, 80), scan(many, 80, NO_COLOR="1")
    assert b"\x1b[32m" in coloured.raw
    assert b"\x1b[32m" not in plain.raw
    assert b"\x1b[31m" not in plain.raw
    assert coloured.lines == plain.lines


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_dumb_terminal_gets_plain_lines(many: Dom0, term: str) -> None:
    seen = scan(many, 200, TERM=term)
    assert b"\x1b" not in seen.raw
    cells = row(seen, "web01")
    assert cells[:4] == ["web01", "pv", "kernel", "yes"]
    assert cells[-1] == str(many.configs / "web01.cfg")
    assert " ".join(cells[4:-1]) == "memory +27 MB, kernel on ISO"


def test_piped_it_is_one_aligned_line_a_guest(many: Dom0) -> None:
    first, again = many.run("scan"), many.run("scan")
    lines = first.out.splitlines()
    assert first.out == again.out
    assert "\x1b" not in first.out + first.err
    assert len(lines) == 1 + 8
    column = lines[0].index("CONVERTIBLE")
    assert {line[column:].split()[0] for line in lines[1:]} == {"yes", "no"}
    assert {line[lines[0].index("TYPE") :].split()[0] for line in lines[1:]} == {"pv", "hvm"}


def test_the_summary_counts_and_groups(many: Dom0) -> None:
    result = many.run("scan")
    assert result.code == 0
    count, most, other, memory = result.err.splitlines()
    assert count == "8 guests: 4 would convert, 1 not PV, 3 refused"
    assert most.startswith("  3: kernel /boot/gone is not here")
    assert most.endswith("(old1, old2, pci)")
    assert other == "  1: PCI passthrough does not work through the shim (pci)"
    assert memory == "the host gives them 108 MB more than now (--memory keep: nothing)"
    assert "host gives" not in many.run("scan", "--memory", "keep").err


def test_json_is_all_there_is(many: Dom0) -> None:
    result = many.run("scan", "--json")
    guests = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    assert {frozenset(guest) for guest in guests} == {frozenset(ScannedGuest.__annotations__)}
    assert sum(guest["convertible"] for guest in guests) == 4


def test_convert_counts_the_same_and_says_so_by_its_exit_code(many: Dom0) -> None:
    result = many.run("convert")
    assert result.code == 1
    summary, after, command = result.err.splitlines()[-3:]
    assert summary == "4 converted, 4 refused"
    assert after == "next, on dom0 (the other 3 likewise):"
    assert command.startswith("  xl shutdown -w ")
    assert " xl create " in command
    for name in ("old1", "old2", "pci", "win"):
        (many.configs / f"{name}.cfg").unlink()
    again = many.run("convert")
    assert (again.code, again.err.splitlines()[-1]) == (0, "4 unchanged")


def test_control_characters_of_a_config_do_not_reach_the_terminal(dom0: Dom0) -> None:
    dom0.config("evil\x1b[2J.cfg", b'name = "e"\nkernel = "/boot/\x1b]0;owned\x07\xff"\n')
    for columns, words in ((45, ()), (80, ()), (140, ("-v",))):
        seen = scan(dom0, columns, *words)
        assert b"\x1b]0" not in seen.raw
        assert b"\x1b[2J" not in seen.raw
        assert b"\x07" not in seen.raw
        named = "evil\\x1b[2J.cfg" in "".join(line.strip() for line in seen.lines)
        assert named == (columns != 80), "one line does not say which file"
