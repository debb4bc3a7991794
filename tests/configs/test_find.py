"""Which files are guests: folders, patterns, links as dom0 follows them, and hostile folders."""

import json
import os
import socket
from pathlib import Path

import pytest

from tests.support.cli import POWERLESS, Result, shimtool_cli
from tests.support.dom0 import KERNEL, Dom0
from tests.support.told import lines

GUEST = f'name = "{{}}"\nkernel = "{KERNEL}"\n'


def scanned(dom0: Dom0, *words: str | Path) -> dict[str, str]:
    """Config's path from --in, and the guest's name or why not."""
    result = dom0.run("scan", "--json", *words)
    assert result.code == 0, result.err
    return {
        os.path.relpath(guest["config"], dom0.configs): guest["name"]
        or " ".join(lines(guest["reasons"]))
        for guest in json.loads(result.out)
    }


def add(dom0: Dom0, file: str, name: str | None = None) -> Path:
    path = dom0.configs / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(GUEST.format(name or path.stem))
    return path


# --- by name and by content ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'name = "centos6"\nbootloader = "/usr/bin/pygrub"\n',
        'kernel="/boot/k";name="centos6"\n',
        '#  -*- mode: python; -*-\nimport os\nkernel = "/boot/k"\n  name = "centos6"\n',
        'name = "centos6"\nbuilder = "hvm"\n',
        'name = "centos6"\nkernel = "/boot/oops\n',  # an error to report, not a file to pass over
        "# " + "x" * 70_000 + '\nname = "centos6"\ntype = "pv"\n',
    ],
)
def test_a_file_without_extension_counts_by_its_content(dom0: Dom0, text: str) -> None:
    dom0.config("centos6", text)
    assert set(scanned(dom0)) == {"centos6"}


NO_GUESTS = {
    "xl.conf": 'name = "x"\nkernel = "k"\n',
    "xlexample.pvlinux": GUEST.format("example"),
    "xmexample1": GUEST.format("example"),
    "README": 'name = "x"\nkernel = "y"\n',
    "xend-config.sxp": "(name x)\n",
    "web01~": GUEST.format("web01"),
    "web01.bak": GUEST.format("web01"),
    "web01.rpmsave": GUEST.format("web01"),
    "web01.dpkg-old": GUEST.format("web01"),
    "web01.cfg.20180110": GUEST.format("web01"),
    "web01.cfg-before": GUEST.format("web01"),
    ".web01.cfg.swp": GUEST.format("web01"),
    ".hidden.cfg": GUEST.format("web01"),
    "start.sh": "name = x\nkernel = y\n",
    "cpupool": 'name = "pool"\ncpus = "0-1"\n',
    "oxenstored.conf": "pid-file = /run/x\nname_of = 1\nkernel_of = 1\n",
    "hook": "#!/bin/sh\nname = x\nkernel = y\n",
    "data": "name = 1\nkernel = 2\n\0",
    "empty": "",
}


def test_what_else_lies_in_etc_xen_does_not(dom0: Dom0) -> None:
    add(dom0, "web01.cfg")
    for file, text in NO_GUESTS.items():
        dom0.config(file, text)
    add(dom0, "scripts/vif-bridge")
    add(dom0, "below/other.cfg")
    assert scanned(dom0) == {"web01.cfg": "web01"}
    last = dom0.run("scan").err.splitlines()[-1]
    assert last.startswith(f"{len(NO_GUESTS)} other files left out, no guest configs: ")
    assert last.endswith(f"and {len(NO_GUESTS) - 5} more")


def test_named_it_is_read_whatever_it_is_called(dom0: Dom0) -> None:
    path = add(dom0, "web01.bak", "web01")
    assert scanned(dom0, path) == {"web01.bak": "web01"}


def test_a_folder_without_guests_says_what_is_there(dom0: Dom0) -> None:
    dom0.config("xl.conf", "autoballoon = 0\n")
    dom0.config("notes", "remember the milk\n")
    result = dom0.run("scan")
    assert result.code == 1
    assert "no guest config here" in result.err
    assert "notes (no name= and kernel=" in result.err
    assert "xl.conf (by its name)" in result.err


def test_folders_are_named_like_files(dom0: Dom0, tmp_path: Path) -> None:
    add(dom0, "web01.cfg")
    other = tmp_path / "other"
    other.mkdir()
    (other / "db01").write_text(GUEST.format("db01"))
    (tmp_path / "none").mkdir()
    found = scanned(dom0, dom0.configs, other, tmp_path / "none")
    assert found.pop("../none").startswith(f"{tmp_path}/none: no guest config here")
    assert found == {"web01.cfg": "web01", "../other/db01": "db01"}


def test_patterns_that_no_shell_expanded(dom0: Dom0) -> None:
    for name in ("web01.cfg", "web02.cfg", "db[1].cfg", "web03"):
        add(dom0, name)
    dom0.config("web.txt", "no guest\n")
    assert set(scanned(dom0, dom0.configs / "web*.cfg")) == {"web01.cfg", "web02.cfg"}
    assert set(scanned(dom0, dom0.configs / "web*")) == {"web01.cfg", "web02.cfg", "web03"}
    assert set(scanned(dom0, dom0.configs / "db[1].cfg")) == {"db[1].cfg"}  # a file's own name
    ((_, why),) = scanned(dom0, dom0.configs / "mail*.cfg").items()
    assert "no guest config here" in why


def test_dom0s_paths_are_found_through_the_mapping(dom0: Dom0) -> None:
    add(dom0, "web01.cfg")
    mapping = f"/etc/xen-of-dom0={dom0.configs}"
    for named in ("/etc/xen-of-dom0/web01.cfg", "/etc/xen-of-dom0", "/etc/xen-of-dom0/*.cfg"):
        assert scanned(dom0, "--map", mapping, named) == {"web01.cfg": "web01"}
    ((_, why),) = scanned(dom0, "--map", mapping, "/etc/xen-of-dom0/gone.cfg").items()
    assert "/etc/xen-of-dom0/gone.cfg" in why


# --- links ---------------------------------------------------------------------------------------


@pytest.fixture
def auto(dom0: Dom0) -> Path:
    add(dom0, "web01.cfg")
    folder = dom0.configs / "auto"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("target", ["/etc/xen/web01.cfg", "../web01.cfg", "../auto/../web01.cfg"])
def test_links_in_auto_are_the_guest_itself(dom0: Dom0, auto: Path, target: str) -> None:
    (auto / "web01.cfg").symlink_to(target)
    (auto / "10-web01").symlink_to(target)
    for words in ((), ("--map", f"/etc/xen={dom0.configs}")):
        assert scanned(dom0, *words) == {"web01.cfg": "web01"}
        assert set(scanned(dom0, *words, auto).values()) == {"web01"}
        named = scanned(dom0, *words, auto / "web01.cfg", dom0.configs / "web01.cfg")
        assert list(named.values()) == ["web01"]


def test_a_guest_that_is_only_in_auto(dom0: Dom0, auto: Path) -> None:
    add(dom0, "auto/mail.cfg")
    assert scanned(dom0) == {"web01.cfg": "web01", "auto/mail.cfg": "mail"}


def test_auto_that_is_a_link_itself(dom0: Dom0, auto: Path, tmp_path: Path) -> None:
    auto.rmdir()
    auto.symlink_to("/etc/xen/")
    assert scanned(dom0) == {"web01.cfg": "web01"}
    auto.unlink()
    auto.symlink_to("/srv/domains")
    (tmp_path / "domains").mkdir()
    (tmp_path / "domains" / "db01").write_text(GUEST.format("db01"))
    found = scanned(dom0, "--map", f"/srv/domains={tmp_path / 'domains'}")
    assert list(found.values()) == ["web01", "db01"]
    why = scanned(dom0)["auto"]
    assert "a symbolic link to /srv/domains, which cannot be followed" in why


def test_a_link_is_followed_as_dom0_does_and_not_into_this_machine(
    dom0: Dom0, auto: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "web01.cfg"
    elsewhere.write_text(GUEST.format("wrong"))
    (auto / "x.cfg").symlink_to(elsewhere)
    found = scanned(dom0, "--map", f"/etc/xen={dom0.configs}")
    assert found.pop("web01.cfg") == "web01"
    assert "outside of what is mapped here" in found["auto/x.cfg"]
    assert str(elsewhere) in found["auto/x.cfg"]


def test_dangling_and_circling_links_are_refused_and_stop_nobody(dom0: Dom0, auto: Path) -> None:
    (auto / "lost.cfg").symlink_to("/etc/xen/lost.cfg")
    (auto / "a.cfg").symlink_to("b.cfg")
    (auto / "b.cfg").symlink_to("a.cfg")
    found = scanned(dom0)
    assert found["web01.cfg"] == "web01"
    assert (
        "a symbolic link to /etc/xen/lost.cfg, which cannot be followed" in found["auto/lost.cfg"]
    )
    assert "round in circles" in found["auto/a.cfg"]
    done = dom0.run("convert")
    assert done.code == 1
    assert "web01: converted" in done.out
    assert "1 converted, 3 refused" in done.err.splitlines()


# --- hostile folders -----------------------------------------------------------------------------


def quick(dom0: Dom0, *words: str | Path) -> Result:
    result = dom0.run("scan", *words)
    assert result.cpu < 10
    assert "Traceback" not in result.err
    return result


def test_pipes_sockets_and_devices_are_never_opened(dom0: Dom0) -> None:
    add(dom0, "web01.cfg")
    for name in ("pipe", "pipe.cfg"):
        os.mkfifo(dom0.configs / name)
    os.mknod(dom0.configs / "tty.cfg", 0o020666, os.makedev(5, 0))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dom0.configs / "socket"))
    (dom0.configs / "folder.cfg").mkdir()
    (dom0.configs / "zero").symlink_to("/dev/zero")
    result = quick(dom0)
    assert "3 guests: 1 would convert, 2 refused" in result.err
    assert result.out.count("must be a plain file") == 2
    assert "web01" in quick(dom0, dom0.configs / "pipe", dom0.configs / "web01.cfg").out


def test_an_unreadable_file_may_be_a_guest(dom0: Dom0) -> None:
    add(dom0, "web01.cfg")
    add(dom0, "secret").chmod(0)
    result = dom0.run("scan", through=POWERLESS)
    assert result.code == 0
    assert "2 guests: 1 would convert, 1 refused" in result.err
    assert "Permission denied" in result.out


def test_an_unreadable_folder_stops_nobody(dom0: Dom0, tmp_path: Path) -> None:
    config = add(dom0, "web01.cfg")
    shut = tmp_path / "shut"
    shut.mkdir(mode=0)
    result = dom0.run("scan", shut, config, through=POWERLESS)
    assert "2 guests: 1 would convert, 1 refused" in result.err
    assert "Permission denied" in result.out


def test_a_hundred_thousand_other_files(dom0: Dom0) -> None:
    add(dom0, "web01.cfg")
    for half in range(2):  # a file has 65000 names at most on ext4
        source = dom0.configs / f"source{half}"
        source.write_text("name of nothing\n")
        for number in range(50_000):
            os.link(source, f"{source}-{number}")
    result = quick(dom0)
    assert result.out.count("\n") == 2
    assert "100002 other files left out" in result.err


def test_large_files_are_not_read(dom0: Dom0) -> None:
    add(dom0, "web01.cfg")
    for name in ("disk.img", "dump"):
        with (dom0.configs / name).open("wb") as file:
            file.write(b'name = "x"\nkernel = "y"\n')
            file.truncate(1 << 40)
    assert scanned(dom0) == {"web01.cfg": "web01"}
    assert "2 other files left out" in quick(dom0).err


def test_the_current_folder_and_relative_paths(dom0: Dom0) -> None:
    config = add(dom0, "web01.cfg")
    os_path = os.path.relpath(config)
    folders = ("--out", dom0.out, "--map", f"/boot={dom0.boot}")
    result = shimtool_cli("scan", "--json", *folders, os_path)
    assert [guest["config"] for guest in json.loads(result.out)] == [str(Path(os_path).absolute())]
