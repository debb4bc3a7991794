"""Two nested hosts on a network of their own, with a disk that both reach, as a SAN's LUN is.

dom0 -- xenbr0 -- eth0 --- QEMU's Unix socket --- eth0 -- xenbr0 -- dom0
         guest --- /dev/vdc --- one raw file --- /dev/vdc --- guest, when it has moved
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.environment import Environment, Running
from tests.e2e.nested_xen import HOST_IS_UP, Machine, NestedXenError, started

ADDRESSES = ("10.9.0.1", "10.9.0.3")  # of both dom0s; a guest has one between
PORT = 4000
SHARED_DISK = "/dev/vdc"
# As `xl migrate NAME HOST` has it of ssh and sshd: each xl has the other as its input and output.
SSH = f"exec 3<>/dev/tcp/{ADDRESSES[1]}/{PORT}; cat <&0 >&3 & cat <&3"
# With -ll, nc ignores SIGCHLD from the second connection on, and so does its xl, which then fails.
SSHD = f"while :; do busybox nc -l -p {PORT} -e xl migrate-receive; done"


@dataclass(frozen=True, slots=True)
class Link:
    """What joins two hosts: `folder` has the network's socket, `disk` is the shared disk's file."""

    folder: Path
    disk: Path

    def devices(self, number: int) -> list[str]:
        """Return QEMU's options for host 0, which must be there first, or host 1."""
        socket = f"addr.type=unix,addr.path={self.folder / 'net'}"
        server = "off" if number else "on"
        # Both use this system's page cache, so each reads what the other wrote.
        disk = f"file={self.disk},format=raw,cache=unsafe,file.locking=off"
        return [
            *("-netdev", f"stream,id=net,server={server},{socket}"),
            *("-device", f"virtio-net-pci,netdev=net,mac=52:54:00:00:00:0{number + 1}"),
            *("-drive", f"if=none,id=shared,{disk}"),
            *("-device", "virtio-blk-pci,drive=shared"),
        ]


@contextlib.contextmanager
def linked(environment: Environment, parts: Path, link: Link, number: int) -> Iterator[Machine]:
    """Boot host 0 or 1 of two; the caller has places for both."""
    devices = link.devices(number)
    with started(parts, environment.kept(), None, devices) as made:
        up = [
            HOST_IS_UP,
            "ip link set eth0 master xenbr0 up",
            f"ip addr add {ADDRESSES[number]}/24 dev xenbr0",
            f"setsid nohup sh -c '{SSHD}' > /run/receive.log 2>&1 &",
        ]
        done = made.run("set -e\n" + "\n".join(up), 180)
        assert done.code == 0, done.text
        yield made


def migrate(guest: Running, second: Machine) -> Running:
    """Migrate a guest live from host 0 to host 1; return it as it is there."""
    try:
        guest.xl(f"migrate -s '' {guest.name} \"bash -c '{SSH}'\"", 1800)
    finally:
        with contextlib.suppress(NestedXenError):  # else it would hide what failed
            second.run("cat /run/receive.log; tail -n 99 /var/log/xen/qemu-dm-*")
    assert guest.machine.run(f"xl domid {guest.name}").code, "the first host still has it"
    return Running(guest.name, second)
