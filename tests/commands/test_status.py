"""status: up to date after convert; stale, with the reason, after whatever can change."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import debs
from tests.support.cli import Result
from tests.support.dom0 import Dom0
from tests.support.told import lines


def reasons(result: Result) -> list[str]:
    (guest,) = json.loads(result.out)
    assert result.code == int(guest["stale"]) == int(bool(guest["reasons"])), result
    return lines(guest["reasons"])


def test_fresh_after_convert_with_any_options(dom0: Dom0) -> None:
    dom0.guest()
    for options in (
        (),
        ("--xen", "4.9.2"),
        ("--xen", "4.17.7"),
        ("--in-place", "--host-out", "/x"),
    ):
        assert dom0.run("convert", *options).code == 0
        assert reasons(dom0.run("status", "--json")) == []
    shown = dom0.run("status")
    assert shown.code == 0
    assert shown.out.splitlines()[1].split("  ")[:2] == ["web01", "up to date"]


def edit_config(dom0: Dom0) -> None:
    config = dom0.configs / "web01.cfg"
    config.write_text(config.read_text() + "vcpus = 2\n")


def touch_config(dom0: Dom0) -> None:
    config = dom0.configs / "web01.cfg"
    config.write_text(config.read_text() + "# a comment\n")


def replace_kernel(dom0: Dom0) -> None:
    new = dom0.boot / "vmlinuz.new"
    new.write_bytes(debs.kernel().read_bytes() + b"x")
    new.replace(dom0.boot / "vmlinuz-guest")


def replace_ramdisk(dom0: Dom0) -> None:
    path = dom0.boot / "initrd-guest"
    path.write_bytes(path.read_bytes() * 2)


def remove_kernel(dom0: Dom0) -> None:
    (dom0.boot / "vmlinuz-guest").unlink()


def cut_iso(dom0: Dom0) -> None:
    os.truncate(dom0.out / "web01.iso", 1 << 20)


def change_iso(dom0: Dom0) -> None:
    with (dom0.out / "web01.iso").open("r+b") as iso:
        iso.seek(1 << 20)
        iso.write(b"damage")


def remove_script(dom0: Dom0) -> None:
    (dom0.out / "shimtool-dm").unlink()


def edit_script(dom0: Dom0) -> None:
    (dom0.out / "shimtool-dm").write_text("#!/bin/sh\n")


def remove_config(dom0: Dom0) -> None:
    (dom0.configs / "web01.cfg").unlink()


def become_hvm(dom0: Dom0) -> None:
    config = dom0.configs / "web01.cfg"
    config.write_text(config.read_text() + "type = 'hvm'\n")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (edit_config, "config edited: "),
        (touch_config, "config edited: "),
        (replace_kernel, "/boot/vmlinuz-guest was replaced"),
        (replace_ramdisk, "/boot/initrd-guest was replaced"),
        (remove_kernel, "cannot be converted any more: "),
        (cut_iso, "web01.iso has 1048576 bytes, "),
        (change_iso, "web01.iso was changed"),
        (remove_script, "shimtool-dm: No such file"),
        (edit_script, "shimtool-dm is not the one"),
        (remove_config, "its config is gone: "),
        (become_hvm, "not a PV guest but hvm"),
    ],
)
def test_stale(dom0: Dom0, change: Callable[[Dom0], None], why: str) -> None:
    dom0.guest()
    assert dom0.run("convert").code == 0
    change(dom0)
    (reason,) = reasons(dom0.run("status", "--json"))
    assert why in reason
    shown = dom0.run("status")
    assert shown.code == 1
    assert "stale" in shown.out
    if change not in (remove_kernel, remove_config, become_hvm):
        assert dom0.run("convert").code == 0
        assert reasons(dom0.run("status", "--json")) == []


def test_another_default_shim_makes_it_stale(dom0: Dom0, tmp_path: Path) -> None:
    dom0.guest()
    assert dom0.run("convert").code == 0
    assets = tmp_path / "assets"
    shutil.copytree(Path("build/assets"), assets)
    (recorded,) = yaml.safe_load((assets / "shims/shims.yaml").read_bytes())
    data = debs.xen_shim().read_bytes().replace(bytes.fromhex(recorded["build-id"]), bytes(20))
    other = tmp_path / "other"
    other.write_bytes(data.replace(b"4.17.", b"4.99."))
    through = ["env", f"SHIMTOOL_ASSETS={assets}"]
    added = dom0.run("shims", "add", other, through=through)
    assert added.code == 0, added.err
    (reason,) = reasons(dom0.run("status", "--json", through=through))
    assert "is at hand, this has" in reason


def test_one_guest_by_name_or_config_and_strangers(dom0: Dom0) -> None:
    one, _two = dom0.guest("one"), dom0.guest("two")
    assert dom0.run("convert").code == 0
    for wanted in ("one", one):
        (guest,) = json.loads(dom0.run("status", "--json", wanted).out)
        assert guest["name"] == "one"
    assert dom0.run("status", "one", "two", "one").code == 0
    missing = dom0.run("status", "three")
    assert missing.code == 1
    assert "never converted into this --out" in missing.err
    assert "three" in missing.err


def test_nothing_converted_yet(dom0: Dom0) -> None:
    result = dom0.run("status")
    assert result.code == 1
    assert "nothing was converted here yet" in result.err


def test_status_writes_nothing(dom0: Dom0) -> None:
    dom0.guest()
    dom0.run("convert")
    before = {path: path.stat().st_mtime_ns for path in dom0.root.rglob("*")}
    replace_kernel(dom0)
    before |= {dom0.boot / "vmlinuz-guest": 0, dom0.boot: 0}
    dom0.run("status")
    after = {path: path.stat().st_mtime_ns for path in dom0.root.rglob("*")}
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed <= {dom0.boot / "vmlinuz-guest", dom0.boot}


def test_a_damaged_record_is_one_guests_alone(dom0: Dom0) -> None:
    dom0.guest("good")
    odd = dom0.guest("odd")
    assert dom0.run("convert").code == 0
    report = dom0.out / "shimtool.yaml"
    document = json.loads(report.read_text())
    number = [each["name"] for each in document["guests"]].index("odd")
    document["guests"][number]["inputs"][0]["stamp"] = [1, 2, 3]
    report.write_text(json.dumps(document))
    shown = dom0.run("status")
    assert shown.code == 1
    assert [line.split("  ")[0] for line in shown.out.splitlines()] == ["NAME", "good", "odd"]
    states = {each["name"]: each for each in json.loads(dom0.run("status", "--json").out)}
    assert not states["good"]["stale"]
    (reason,) = lines(states["odd"]["reasons"])
    assert reason == (
        f"{report}: the record of odd in the report is damaged: guests[{number}].inputs[0].stamp:"
        " it must be a list of 4 (it is a list of 3) (convert odd again)"
    )
    # Another guest's conversion loses nothing; its own mends it.
    assert dom0.run("convert", "--force", dom0.configs / "good.cfg").code == 0
    assert "stamp" in lines(json.loads(dom0.run("status", "--json", "odd").out)[0]["reasons"])[0]
    assert dom0.run("convert", odd).code == 0
    assert dom0.run("status").code == 0


def _lasting(report: bytes) -> Any:  # noqa: ANN401 - JSON
    """A report without what a second look may add: what tells sooner that a guest stands."""
    document = json.loads(report)
    del document["crc32"]
    for each in document["guests"]:
        del each["basis"]
    return document


def test_damage_of_what_is_known_of_a_kernel_is_told_and_mended(dom0: Dom0) -> None:
    """The guests are told as ever; the next convert finds it anew."""
    dom0.guest("good")
    assert dom0.run("convert").code == 0
    report = dom0.out / "shimtool.yaml"
    sound = report.read_bytes()
    report.write_bytes(sound.replace(b'"bits": 64', b'"bits": 63'))
    result = dom0.run("status", "--json")
    assert (result.code, result.err) == (1, "")
    good, kernel = json.loads(result.out)
    assert (good["name"], good["reasons"]) == ("good", [])
    assert kernel["name"].startswith("kernels[")
    assert "bits: it must be 32 or 64 (it is 63)" in lines(kernel["reasons"])[0]
    assert "good: unchanged" in dom0.run("convert").out
    assert _lasting(report.read_bytes()) == _lasting(sound)
    assert dom0.run("status").code == 0


def test_two_records_of_a_guest_are_told_until_it_is_converted(dom0: Dom0) -> None:
    dom0.guest("good")
    dom0.guest("other")
    assert dom0.run("convert").code == 0
    report = dom0.out / "shimtool.yaml"
    sound = report.read_bytes()
    document = json.loads(sound)
    document["guests"] *= 2
    report.write_text(json.dumps(document))
    states = json.loads(dom0.run("status", "--json").out)
    told = [each["name"] for each in states if each["stale"]]
    assert told == ["good", "other"]
    assert sum("two records" in why for each in states for why in lines(each["reasons"])) == 2
    assert dom0.run("convert", dom0.configs / "good.cfg").code == 0
    assert [e["name"] for e in json.loads(dom0.run("status", "--json").out) if e["stale"]] == [
        "other"
    ]
    assert dom0.run("convert").code == 0
    assert _lasting(report.read_bytes()) == _lasting(sound)
    assert dom0.run("status").code == 0
