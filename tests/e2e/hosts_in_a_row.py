"""Nested hosts in a row, each on a network with the next; a disk that all reach, as a SAN's LUN.

dom0 -- xenbr0 -- eth0 --- QEMU's Unix socket --- eth0 -- xenbr0 -- dom0 ...
         guest --- /dev/vdc --- one raw file --- /dev/vdc --- guest, when it has moved
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.environment import Environment, Running
from tests.e2e.nested_xen import HOST_IS_UP, Machine, NestedXenError, started

ADDRESSES = ("10.9.0.1", "10.9.0.3", "10.9.0.4")  # of the dom0s; a guest has one between
PORT = 4000
SHARED_DISK = "/dev/vdc"
# As `xl migrate NAME HOST` has it of ssh and sshd: each xl has the other as its input and output.
SSH = f"exec 3<>/dev/tcp/{{}}/{PORT}; cat <&0 >&3 & cat <&3"
# With -ll, nc ignores SIGCHLD from the second connection on, and so does its xl, which then fails.
SSHD = f"while :; do busybox nc -l -p {PORT} -e xl migrate-receive; done"


@dataclass(frozen=True, slots=True)
class Chain:
    """What joins `count` hosts: `folder` has the networks' sockets, `disk` is the disk's file."""

    folder: Path
    disk: Path
    count: int

    def devices(self, number: int) -> list[str]:
        """Return QEMU's options for one of them; the one before it must be there."""
        # All use this system's page cache, so each reads what another wrote.
        disk = f"file={self.disk},format=raw,cache=unsafe,file.locking=off"
        nets = [(number - 1, "off"), (number, "on")]
        return [
            *(word for net, role in nets for word in self._network(net, role, number)),
            *("-drive", f"if=none,id=shared,{disk}"),
            *("-device", "virtio-blk-pci,drive=shared"),
        ]

    def _network(self, net: int, server: str, number: int) -> list[str]:
        """Return the card of a host on the network between two; none at the ends of the chain."""
        if not 0 <= net < self.count - 1:
            return []
        socket = f"addr.type=unix,addr.path={self.folder / f'net{net}'}"
        mac = f"52:54:00:00:0{net}:0{number}"
        return [
            *("-netdev", f"stream,id=net{net},server={server},{socket}"),
            *("-device", f"virtio-net-pci,netdev=net{net},mac={mac}"),
        ]


@contextlib.contextmanager
def linked(environment: Environment, parts: Path, chain: Chain, number: int) -> Iterator[Machine]:
    """Boot one of them; the caller has a place for it."""
    devices = chain.devices(number)
    with started(parts, environment.kept(), None, devices) as made:
        up = [
            HOST_IS_UP,
            "for card in /sys/class/net/eth*; do ip link set ${card##*/} master xenbr0 up; done",
            f"ip addr add {ADDRESSES[number]}/24 dev xenbr0",
            f"setsid nohup sh -c '{SSHD}' > /run/receive.log 2>&1 &",
        ]
        done = made.run("set -e\n" + "\n".join(up), 180)
        assert done.code == 0, done.text
        yield made


def migrate(guest: Running, to: Machine, number: int) -> Running:
    """Migrate a guest live to the next host, which has this number; return it as it is there."""
    ssh = SSH.format(ADDRESSES[number])
    try:
        guest.xl(f"migrate -s '' {guest.name} \"bash -c '{ssh}'\"", 1800)
    finally:
        with contextlib.suppress(NestedXenError):  # else it would hide what failed
            to.run("cat /run/receive.log; tail -n 99 /var/log/xen/qemu-dm-*")
    assert guest.machine.run(f"xl domid {guest.name}").code, "the host before still has it"
    return Running(guest.name, to)
