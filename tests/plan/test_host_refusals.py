"""Hosts on which a guest would not start: refused by the real command line, with the remedy."""

import json
from pathlib import Path

import pytest
import yaml

from tests.support import hypervisors
from tests.support.cli import Result, shimtool_cli
from tests.support.dom0 import Dom0, make_dom0
from tests.support.told import lines


@pytest.fixture(scope="module")
def dom0(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    made = make_dom0(tmp_path_factory.mktemp("refusals"))
    made.guest()
    return made


def refusal(result: Result) -> str:
    assert result.code == 1, result.out + result.err
    return " ".join(result.err.split())


@pytest.mark.parametrize("xen", ["4.4", "4.6.6", "4.7.4", "4.8.2", "4.9.1", "4.10.0"])
def test_hosts_that_lose_events(xen: str, dom0: Dom0, assets: Path) -> None:
    """A shim gets them if the pre-stage knows its event vector; one of another version hangs."""
    assert dom0.run("plan", "--xen", xen).code == 0
    catalogue = assets / "shims" / "shims.yaml"
    (row,) = yaml.safe_load(catalogue.read_text())
    catalogue.write_text(yaml.safe_dump([row | {"version": "4.99.0"}]))
    text = refusal(dom0.run("plan", "--xen", xen))
    assert "-debian hangs in HVM on this Xen" in text
    assert "take a shim of Xen 4.10" in text
    assert "4.7.5, 4.8.3, 4.9.2, 4.10.1 or later" in text
    assert f"seen: {xen}" in text
    assert dom0.run("plan", "--force", "--xen", xen).code == 0
    (unknown,) = json.loads(dom0.run("plan", "--json").out)
    assert "host not known well enough" in "".join(lines(unknown["warnings"]))


@pytest.mark.parametrize("xen", ["4.6.6", "4.7.5", "4.8.3", "4.9.2", "4.10.1", "4.21", "4.30"])
def test_hosts_that_will_do(xen: str, dom0: Dom0) -> None:
    assert dom0.run("plan", "--xen", xen).code == 0


def test_pvh_where_xl_has_no_pvshim(dom0: Dom0) -> None:
    """4.10.0 starts PVH guests, but no shim in them; --force cannot help that."""
    for force in ([], ["--force"]):
        text = refusal(dom0.run("plan", "--mode", "pvh", "--xen", "4.10.0", *force))
        assert "xl knows pvshim= from Xen 4.10.1 on" in text
        assert "update Xen to 4.10.1 or later" in text


def test_older_than_all_that_was_looked_at(dom0: Dom0) -> None:
    text = refusal(dom0.run("plan", "--xen", "4.3.4"))
    assert "older than 4.4 was not looked at" in text
    assert dom0.run("plan", "--force", "--xen", "4.3.4").code == 0


@pytest.mark.parametrize("text", ["foo", "4", "", "4.9.2.1"])
def test_a_version_that_is_none_is_a_usage_error(text: str, dom0: Dom0) -> None:
    for command in ("plan", "scan", "host"):
        result = dom0.run(command, "--xen", text)
        assert result.code == 2
        assert "not a Xen version" in " ".join(result.err.split())


@pytest.fixture
def without_vtx(tmp_path: Path) -> tuple[str, ...]:
    """Run where /sys shows a Xen on a processor without VT-x/SVM."""
    version = {"version/major": "4", "version/minor": "17", "version/extra": ".7"}
    capabilities = {"properties/capabilities": "xen-3.0-x86_64 xen-3.0-x86_32p "}
    return hypervisors.sys_of(tmp_path, version | capabilities)


def test_without_vtx_or_svm_xpti_remains(dom0: Dom0, without_vtx: tuple[str, ...]) -> None:
    for words in ([], ["--force"], ["--mode", "hvm"]):
        text = refusal(dom0.run("plan", *words, through=without_vtx))
        assert "no VT-x/SVM" in text
        assert "XPTI in Xen (XSA-254): 4.7.5, 4.8.4, 4.9.2, 4.10.1 or later" in text
    (guest,) = json.loads(dom0.run("scan", "--json", through=without_vtx).out)
    assert not guest["convertible"]
    assert "no VT-x/SVM" in lines(guest["reasons"])[0]
    facts = json.loads(shimtool_cli("host", "--json", through=without_vtx).out)
    assert facts["hvm"] is False
    assert {kind["modes"] == [] for kind in facts["shims"].values()} == {True}


def test_a_vixen_is_served_as_one(dom0: Dom0, assets: Path, tmp_path: Path) -> None:
    """Its own arguments and console; taken where it is asked for."""
    (tmp_path / "xen-vixen").write_bytes(hypervisors.like_vixen())
    added = shimtool_cli("shims", "add", tmp_path / "xen-vixen")
    assert added.code == 0, added.err
    (fine,) = json.loads(dom0.run("plan", "--json", "--xen", "4.6.6").out)
    assert fine["shim"] != "vixen"
    planned = dom0.run("plan", "--xen", "4.9.1", "--shim", "vixen")
    assert planned.code == 0, planned.err
    assert "arguments: console=com1 com1=115200,8n1 maxcpus=1" in planned.out
    assert "pv-shim" not in planned.out
    assert '+serial = "pty"' in planned.out
    assert "only shows the console" in planned.out
    text = refusal(dom0.run("plan", "--xen", "4.17", "--mode", "pvh", "--shim", "vixen"))
    assert "does not boot under PVH" in text
    (new,) = json.loads(dom0.run("plan", "--json", "--xen", "4.17", "--shim", "vixen").out)
    assert (new["mode"], new["shim"]) == ("hvm", "vixen")


def test_an_admin_vouches_for_a_vixen(assets: Path, tmp_path: Path) -> None:
    hypervisor = tmp_path / "xen"
    hypervisor.write_bytes(hypervisors.ordinary())
    text = refusal(shimtool_cli("shims", "add", hypervisor))
    assert "shims add --kind vixen" in text
    assert shimtool_cli("shims", "add", "--kind", "vixen", "--name", "mine", hypervisor).code == 0
    facts = json.loads(shimtool_cli("shims", "show", "mine", "--json").out)
    assert (facts["kind"], facts["modes"]) == ("vixen", ["hvm"])
    assert facts["hosts"].startswith("said to be 3.4")
    assert "vixen" in shimtool_cli("shims", "list").out
    assert shimtool_cli("shims", "add", "--kind", "magic", hypervisor).code == 2


def test_pvh_of_old_times(tmp_path: Path) -> None:
    """xl 4.4 to 4.8 makes a guest of its own kind of PVH; later ones take no notice of pvh=."""
    dom0 = make_dom0(tmp_path)
    dom0.guest(more="pvh = 1\n")
    for xen in ("4.4", "4.8.4"):
        text = refusal(dom0.run("plan", "--xen", xen))
        assert "not a PV guest but PVH, of the kind of Xen 4.4 to 4.8" in text
        assert "web01.cfg:5:" in text
        assert "remove pvh=" in text
    for xen in ("4.9.2", "4.17.7"):
        said = dom0.run("plan", "--xen", xen)
        assert (said.code, "pvh= makes" in said.out) == (0, False)
    assert "pvh= makes a PVH guest, which needs no shim, under Xen 4.4" in dom0.run("plan").out
    dom0.guest(more="pvh = 0\n")
    assert dom0.run("plan", "--xen", "4.4").code == 0
    assert "pvh= makes" not in dom0.run("plan").out
