"""The real QEMU takes what the script leaves, and has one CD drive and nothing else emulated.

Without Xen at hand the machine type is exchanged (pc for xenfv, no -xen-domid); all other
arguments are those libxl wrote, and its own QMP socket is the one we ask through.
"""

import json
import re
import shlex
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from tests.device_model.script_runner import recorded, run_dm, text

QEMU = "qemu-system-x86_64"
GUESTS = [(version, guest) for version in ("4.6", "4.9", "4.17") for guest in (0, 1)]
MUCH_MORE = shlex.split(
    "-vga std -usb -usbdevice tablet -device qemu-xhci -device AC97 -device intel-hda"
    " -device hda-duplex -parallel pty -fda /guest/root.img -device virtio-net-pci,netdev=n1"
    " -netdev user,id=n1 -device virtio-blk-pci,drive=d1 -vnc unix:/guest/vnc"
    " -drive if=none,id=d1,format=raw,file=/guest/swap.img"
)
BARE = shlex.split(
    "-xen-domid 1 -nodefaults -display none -net none -serial pty -machine xenfv"
    " -chardev socket,id=q,path=/var/run/xen/qmp-libxl-1,server=on,wait=off"
    " -mon chardev=q,mode=control"
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the files that the arguments name."""
    for name in ("root.img", "swap.img", "web01.iso"):
        (tmp_path / name).write_bytes(bytes(1 << 20))
    return tmp_path


def command(arguments: list[str], files: Path) -> list[str]:
    """Point libxl's arguments at our files and at a machine that runs without Xen."""
    words = [word.replace("/var/run/xen/", "/guest/") for word in arguments]
    words = [word.replace("/guest/", f"{files}/") for word in words]
    words[words.index("-machine") + 1] = "pc,accel=tcg"
    domid = words.index("-xen-domid")
    return [QEMU, "-S", *words[:domid], *words[domid + 2 :]]


class Monitor:
    """QMP, as much of it as questions take."""

    def __init__(self, stream: BinaryIO, process: int) -> None:
        self.stream, self.process = stream, process
        self.stream.readline()  # the greeting
        self.ask("qmp_capabilities")

    def ask(self, execute: str, **arguments: str) -> Any:  # noqa: ANN401 - JSON
        self.stream.write(json.dumps({"execute": execute, "arguments": arguments}).encode())
        self.stream.flush()
        answer: dict[str, Any] = {}
        while "return" not in answer:  # events come between
            answer = json.loads(self.stream.readline())
            assert "error" not in answer, answer
        return answer["return"]

    def say(self, line: str) -> str:
        return str(self.ask("human-monitor-command", **{"command-line": line}))

    def devices(self) -> Counter[str]:
        return Counter(re.findall(r"dev: ([^,]+),", self.say("info qtree")))


@contextmanager
def started(arguments: list[str], files: Path) -> Iterator[Monitor]:
    running = subprocess.Popen(
        command(arguments, files), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        with socket.socket(socket.AF_UNIX) as client:
            while True:
                assert running.poll() is None, running.communicate()[1]
                try:
                    client.connect(str(next(files.glob("qmp-libxl-*"))))
                    break
                except (StopIteration, ConnectionRefusedError):
                    time.sleep(0.05)
            client.settimeout(900)
            with client.makefile("rwb") as stream:
                yield Monitor(cast(BinaryIO, stream), running.pid)
    finally:
        running.kill()
        running.communicate()
        for path in files.glob("qmp-*"):
            path.unlink()


@pytest.mark.parametrize("more", [[], MUCH_MORE], ids=["as recorded", "and much more"])
@pytest.mark.parametrize(("version", "guest"), GUESTS)
def test_one_cd_and_nothing_else(
    qemu: Path, files: Path, version: str, guest: int, more: list[str]
) -> None:
    with started(BARE, files) as monitor:
        bare_machine = monitor.devices()
    left = text(run_dm("dash", recorded(version)[guest] + more, qemu).arguments)
    with started(left, files) as monitor:
        assert monitor.devices() - bare_machine == Counter({"ich9-ahci": 1, "ide-cd": 1})
        (drive,) = monitor.ask("query-block")
        assert drive["device"] == "shimtool-cd"
        assert drive["inserted"]["file"] == str(files / "web01.iso")
        assert drive["inserted"]["ro"]
        assert len(monitor.ask("query-named-block-nodes")) == 2  # that file and raw over it
        assert monitor.say("info network") == ""
        assert monitor.ask("query-vnc") == {"enabled": False}


def test_as_another_user_qemu_still_has_our_cd(qemu: Path, files: Path) -> None:
    """device_model_user= (libxl: -runas): QEMU opens root's ISO first, then becomes that user."""
    for file in files.iterdir():
        file.chmod(0o600)
    given = [*recorded("4.17")[0], "-runas", "65534:65534"]
    left = text(run_dm("dash", given, qemu).arguments)
    with started(left, files) as monitor:
        (drive,) = monitor.ask("query-block")
        assert drive["inserted"]["file"] == str(files / "web01.iso")
        status = Path(f"/proc/{monitor.process}/status").read_text()
        assert re.search(r"^Uid:\t65534\t65534\t65534\t65534$", status, re.MULTILINE)


def test_json_devices_of_qemu_itself_go(qemu: Path, files: Path) -> None:
    json_forms = shlex.split(
        """-blockdev '{"driver":"file","node-name":"d","filename":"/guest/swap.img"}'"""
        """ -device '{"driver":"virtio-blk-pci","drive":"d"}' -device "{'driver':'qemu-xhci'}" """
        """ -netdev '{"type":"user","id":"n"}' -device '{"netdev":"n","driver":"e1000"}'"""
    )
    with started(BARE, files) as monitor:
        bare_machine = monitor.devices()
    with started([*BARE, *json_forms], files) as monitor:  # QEMU reads all of these
        assert {"virtio-blk-pci", "qemu-xhci", "e1000"} <= monitor.devices().keys()
    left = text(run_dm("dash", BARE + json_forms, qemu).arguments)
    with started(left, files) as monitor:
        assert monitor.devices() == bare_machine


def test_without_the_script_qemu_refuses_two_partitions_of_a_disk(files: Path) -> None:
    refused = subprocess.run(
        command(recorded("4.17")[0], files),
        capture_output=True,
        check=False,
        text=True,
        timeout=900,
    )
    assert refused.returncode == 1
    assert "(index=0) exists" in refused.stderr
