"""What options promise: odd values are usage errors, equal ones mean the same, --json is JSON."""

import json
from pathlib import Path

import pytest

from tests.support.cli import shimtool_cli
from tests.support.dom0 import Dom0


@pytest.mark.parametrize("option", ["--out", "--in", "--kernels"])
def test_an_empty_folder_is_not_the_current_one(dom0: Dom0, option: str) -> None:
    dom0.guest()
    for command in ("scan", "plan", "convert"):
        result = dom0.run(command, option, "")
        assert (result.code, "empty" in result.err) == (2, True), result
    assert not list(dom0.out.iterdir())


def test_the_current_folder_can_be_named(dom0: Dom0) -> None:
    dom0.guest()
    assert dom0.run("scan", "--in", ".", dom0.configs / "web01.cfg").code == 0


@pytest.mark.parametrize("text", ["", " ", "pv-shim\nx", "pv-shim\rx", "pv-shim\tx", "pv-\x1bshim"])
def test_shim_arguments_that_are_no_line(dom0: Dom0, text: str) -> None:
    dom0.guest()
    result = dom0.run("plan", "--shim-args", text)
    assert result.code == 2
    assert "--shim-args" in result.err


def test_shim_arguments_with_words_for_the_guest(dom0: Dom0) -> None:
    dom0.guest()
    result = dom0.run("plan", "--shim-args", "pv-shim -- x")
    assert result.code == 1
    assert "lone --" in result.err


@pytest.mark.parametrize("text", ["", "/", "//", "/x/..", "relative/path", "/a\nb", "/a\x1bb"])
def test_host_out_that_is_no_folder_of_dom0s(dom0: Dom0, text: str) -> None:
    config = dom0.guest()
    for command in ("plan", "convert", "verify"):
        result = dom0.run(command, "--host-out", text, config)
        assert (result.code, "--host-out" in result.err) == (2, True), result


@pytest.mark.parametrize(
    "text", ["/srv/shims", "/srv/shims/", "//srv//shims", "/srv/./x/../shims//"]
)
def test_host_out_is_the_same_however_written(dom0: Dom0, text: str) -> None:
    dom0.guest()
    done = dom0.run("convert", "--host-out", text)
    assert "  /srv/shims/web01.iso\n" in done.out
    assert "xl create /srv/shims/web01.cfg\n" in done.err
    written = (dom0.out / "web01.cfg").read_text()
    assert 'device_model_override = "/srv/shims/shimtool-dm"' in written
    for other in (text, "/srv/shims"):
        checked = dom0.run("verify", "--host-out", other, dom0.out / "web01.cfg")
        assert checked.code == 0, checked.err


def test_pvgrub_that_there_is_not(dom0: Dom0) -> None:
    assert dom0.run("plan", "--pvgrub", "arm64").code == 2


def test_restore_in_json(dom0: Dom0) -> None:
    web, never = dom0.guest("web01"), dom0.guest("never")
    assert dom0.run("convert", "--in-place", web).code == 0
    result = dom0.run("restore", "--json", web, never)
    good, bad = json.loads(result.out)
    assert result.code == 1
    assert good == {"config": str(web), "status": "restored", "reasons": []}
    assert (bad["config"], bad["status"]) == (str(never), "refused")
    assert "did not convert" in bad["reasons"][0]["message"]


def test_shims_show_in_json() -> None:
    listed = json.loads(shimtool_cli("shims", "list", "--json").out)
    for shim in listed:
        result = shimtool_cli("shims", "show", "--json", shim["name"])
        assert result.code == 0
        assert json.loads(result.out) == shim
        assert Path(shim["file"]).stat().st_size == shim["size"]


def test_scan_of_what_cannot_be_converted_is_no_failure(dom0: Dom0) -> None:
    dom0.config("bad.cfg", 'name = "bad"\nkernel = "/boot/gone"\n')
    result = dom0.run("scan", "--json")
    assert result.code == 0
    assert [guest["convertible"] for guest in json.loads(result.out)] == [False]
    assert dom0.run("plan").code == 1


@pytest.mark.parametrize("text", ["link/../out", "{root}/link/../out", "./link//../out/."])
def test_dots_after_a_link(dom0: Dom0, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """They lead where the machine's own commands are led, not where the text would."""
    (dom0.root / "deep/out").mkdir(parents=True)
    (dom0.root / "link").symlink_to("deep/out")
    dom0.guest()
    monkeypatch.chdir(dom0.root)
    done = dom0.run("convert", "--out", text.format(root=dom0.root))
    assert done.code == 0, done.err
    assert (dom0.root / "deep/out/web01.iso").is_file()
    assert not list(dom0.out.iterdir())
