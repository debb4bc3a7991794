"""What is in --out already and is not this conversion's: an edit, or another guest's config."""

import json
import shutil

import pytest

from tests.support.cli import refused
from tests.support.dom0 import Dom0


def edited(dom0: Dom0) -> bytes:
    """Convert web01, and edit what was written."""
    dom0.guest()
    assert dom0.run("convert").code == 0
    path = dom0.out / "web01.cfg"
    path.write_bytes(path.read_bytes().replace(b"\nmemory = 539", b"\nmemory = 640"))
    return path.read_bytes()


@pytest.mark.parametrize("more", ["", "vcpus = 2\n"])
def test_an_edit_is_shown_and_not_overwritten(dom0: Dom0, more: str) -> None:
    """Neither where nothing else changed, nor where the guest's config did too."""
    edit = edited(dom0)
    dom0.guest(more=more)
    said = ("out/web01.cfg: this output was edited", "-memory = 539", "+memory = 640", "--force")
    refused(dom0.run("convert"), *said)
    assert (dom0.out / "web01.cfg").read_bytes() == edit


def test_force_overwrites_an_edit(dom0: Dom0) -> None:
    edit = edited(dom0)
    assert dom0.run("convert", "--force").code == 0
    assert (dom0.out / "web01.cfg").read_bytes() == edit.replace(b"640", b"539")
    assert "unchanged" in dom0.run("convert").out


def test_an_edit_stops_no_other_guest(dom0: Dom0) -> None:
    edited(dom0)
    dom0.guest("web02")
    done = dom0.run("convert")
    refused(done, "web01.cfg")
    assert "web02: converted" in done.out


def test_a_new_time_is_no_edit(dom0: Dom0) -> None:
    dom0.guest()
    assert dom0.run("convert").code == 0
    (dom0.out / "web01.cfg").touch()
    assert dom0.run("convert").code == 0
    dom0.guest(more="vcpus = 2\n")
    assert "web01: converted" in dom0.run("convert").out


@pytest.mark.parametrize("touched", [False, True])
def test_reports_of_older_versions_know_size_and_time_alone(dom0: Dom0, touched: bool) -> None:
    dom0.guest()
    assert dom0.run("convert").code == 0
    report = dom0.out / "shimtool.yaml"
    document = json.loads(report.read_text())
    for output in document["guests"][0]["outputs"]:
        output.pop("sha256", None)
    report.write_text(json.dumps(document))
    dom0.guest(more="vcpus = 2\n")
    if touched:
        (dom0.out / "web01.cfg").touch()
        refused(dom0.run("convert"), "was edited")
    else:
        assert dom0.run("convert").code == 0


def test_without_a_report_what_is_ours_is_renewed(dom0: Dom0) -> None:
    dom0.guest()
    assert dom0.run("convert").code == 0
    (dom0.out / "shimtool.yaml").unlink()
    dom0.guest(more="vcpus = 2\n")
    assert dom0.run("convert").code == 0


def test_a_strangers_file_is_not_overwritten(dom0: Dom0) -> None:
    dom0.guest()
    other = dom0.out / "web01.cfg"
    other.write_text('name = "web01"\nkernel = "/boot/other"\n')
    before = other.read_bytes()
    refused(dom0.run("convert"), "did not write is in the way", "+kernel = ")
    assert other.read_bytes() == before
    assert dom0.run("convert", "--force").code == 0


@pytest.mark.parametrize("options", [(), ("--force",), ("--in-place",)])
def test_another_guest_of_the_same_name_is_refused(dom0: Dom0, options: tuple[str, ...]) -> None:
    one = dom0.guest()
    assert dom0.run("convert", one).code == 0
    before = dom0.written()
    two = dom0.config("two.cfg", one.read_bytes() + b"vcpus = 2\n")
    refused(dom0.run("convert", two, *options), "another config", f"{one}, {two}", "rename")
    assert dom0.written() == before
    assert "unchanged" in dom0.run("convert", one).out


@pytest.mark.parametrize("how", ["moved", "renamed", "linked"])
def test_the_same_guest_from_elsewhere_is_taken(dom0: Dom0, how: str) -> None:
    one = dom0.guest()
    assert dom0.run("convert", one).code == 0
    two = dom0.configs / "two.cfg"
    if how == "moved":
        one.rename(two)
    elif how == "renamed":  # the first one's guest has another name now
        shutil.copy(one, two)
        one.write_text(one.read_text().replace("web01", "web09"))
    else:
        two.hardlink_to(one)
    assert dom0.run("convert", two).code == 0


def test_another_config_that_cannot_be_read_keeps_its_outputs(dom0: Dom0) -> None:
    one = dom0.guest()
    assert dom0.run("convert", one).code == 0
    two = dom0.config("two.cfg", one.read_bytes())
    one.write_text("name = [\n")
    refused(dom0.run("convert", two), str(one), str(two))
