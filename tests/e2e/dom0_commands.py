"""What xl does to a running guest, each seen inside the guest: functions (guest, shell) -> outcome.

Each returns WORKS, or what it saw instead where that is known, and fails at anything else. The disk
PLUGGED is what is plugged in, dom0's bridge has the addresses BRIDGES; the config says MEMORY and
TIME_OFFSET. What moves or ends a guest is in guest_moves.py and guest_ends.py.
"""

from collections.abc import Callable

from tests.e2e.environment import Running
from tests.e2e.guest_shell import Shell, UnseenError

Tried = Callable[[Running, Shell], str]

WORKS = "works"
ZEROS = "zeros"
UNSEEN = "the guest sees nothing"
LESS = "the guest gets less"

PLUGGED = "/dev/loop1"
BRIDGES = ("10.9.0.1", "10.9.1.1")  # the one that eth0 and the one that eth1 can reach
GUESTS = ("10.9.0.2", "10.9.1.2")
MAC = "00:16:3e:44:55:66"
TIME_OFFSET = 7200
MEMORY, TAKEN = 400, 16  # MiB
ROUNDED = 3  # MiB: a shim takes pages from its host, and gives them back, by 2 MiB
RESERVATION = "/sys/devices/system/xen_memory/xen_memory0/info/current_kb"
CPUS = "cat /sys/devices/system/cpu/online"
# As udev would, where a system has it.
ONLINE = (
    "for i in $(seq 20); do echo 1 > /sys/devices/system/cpu/cpu1/online && break; sleep 1; done"
)
BRIDGED = " && ".join(f"ip addr add {bridge}/24 dev xenbr0" for bridge in BRIDGES)
PREPARE = f"{BRIDGED} && cp /guest/trees/zone/localtime /etc"


def domid_and_name(guest: Running, shell: Shell) -> str:
    """XenStore's own domid, vm and name, as the guest reads them."""
    told = [shell.run(xenstore(key)) for key in ("domid", "vm", "name")]
    domid = guest.xl(f"domid {guest.name}").strip()
    assert told[::2] == [domid, guest.name], told
    assert told[1].removeprefix("/vm/") in guest.xl(f"list -v {guest.name}"), told
    return WORKS


def uuid(guest: Running, shell: Shell) -> str:
    """The domain's UUID, as the guest's kernel shows it."""
    seen = shell.run("cat /sys/hypervisor/uuid")
    if not seen.strip("0-"):
        return ZEROS
    assert seen in guest.xl(f"list -v {guest.name}")
    return WORKS


def clock(guest: Running, shell: Shell) -> str:
    """The guest's clock is dom0's and TIME_OFFSET; a minute for what emulation lets drift."""
    before = int(guest.machine.run("date +%s").text)
    seen = int(shell.run("date +%s")) - TIME_OFFSET
    after = int(guest.machine.run("date +%s").text)
    assert before - 60 <= seen <= after + 60, (before, seen, after)
    return WORKS


def block(guest: Running, shell: Shell) -> str:
    """Plug a disk in, write to it, take it away."""
    guest.xl(f"block-attach {guest.name} phy:{PLUGGED},xvdb,w")
    shell.until("ls /sys/block | grep xvdb", "xvdb")
    assert not shell.run("echo written > /dev/xvdb && sync")
    assert guest.machine.run(f"head -c 7 {PLUGGED}").text == "written"
    guest.xl(f"block-detach {guest.name} xvdb")
    shell.until("ls /sys/block | grep -c xvdb", "0")
    return WORKS


def network(guest: Running, shell: Shell) -> str:
    """Plug a network card in, have an answer through it, take it away."""
    guest.xl(f"network-attach {guest.name} mac={MAC} bridge=xenbr0")
    shell.until("cat /sys/class/net/eth1/address", MAC)
    use_card(shell, 1)
    reach_dom0(shell, 1)
    guest.xl(f"network-detach {guest.name} {MAC}")
    shell.until("ls /sys/class/net | grep -c eth1", "0")
    return WORKS


def use_card(shell: Shell, number: int) -> None:
    """Give a network card its address."""
    card, address = f"eth{number}", GUESTS[number]
    assert not shell.run(f"ip link set {card} up && ip addr add {address}/24 dev {card}")


def reach_dom0(shell: Shell, number: int) -> None:
    """Have an answer from dom0 through a network card."""
    reach(shell, BRIDGES[number])


def reach(shell: Shell, address: str) -> None:
    """Have an answer from an address."""
    shell.until(f"ping -c 1 -w 9 {address} > /dev/null && echo answers", "answers")


def less_memory(guest: Running, shell: Shell) -> str:
    """Take 16 MiB: mem-set's number is the guest's own, `xl list` shows the shim's share beside."""
    own, seen = int(shell.run(f"cat {RESERVATION}")) >> 10, memory_in_dom0(guest)
    guest.xl(f"mem-set {guest.name} {MEMORY - TAKEN}")
    _until_it_has(shell, "-le", MEMORY - TAKEN)
    assert abs(seen - memory_in_dom0(guest) - (own - MEMORY + TAKEN)) <= ROUNDED
    return WORKS


def old_memory(guest: Running, shell: Shell) -> str:
    """Set the number that the guest has had."""
    return _raised(guest, shell, MEMORY)


def configured_memory(guest: Running, shell: Shell) -> str:
    """Take 16 MiB, then set what the config says."""
    guest.xl(f"mem-set {guest.name} {MEMORY - TAKEN}")
    _until_it_has(shell, "-le", MEMORY - TAKEN)
    config = "$(ls /guest/out/told.cfg 2> /dev/null || echo /guest/etc/told.cfg)"
    said = guest.machine.run(f"sed -n 's/^memory *= *//p' {config}").text
    return _raised(guest, shell, int(said))


def _raised(guest: Running, shell: Shell, mib: int) -> str:
    guest.xl(f"mem-set {guest.name} {mib}")
    try:
        _until_it_has(shell, "-ge", MEMORY)
    except UnseenError:
        return LESS
    return WORKS


def _until_it_has(shell: Shell, compared: str, mib: int) -> None:
    look = f"kb=$(cat {RESERVATION}); [ $kb {compared} {mib << 10} ] && echo so || echo $kb"
    shell.until(look, "so")


def memory_in_dom0(guest: Running) -> int:
    """Return how many MiB `xl list` shows."""
    return int(guest.xl(f"list {guest.name}").split()[-4])


def one_vcpu(guest: Running, shell: Shell) -> str:
    """Take the second of two vCPUs."""
    guest.xl(f"vcpu-set -i {guest.name} 1")
    shell.until(CPUS, "0")
    return WORKS


def two_vcpus(guest: Running, shell: Shell) -> str:
    """Give it back."""
    guest.xl(f"vcpu-set -i {guest.name} 2")
    shell.run(ONLINE)
    shell.until(CPUS, "0-1")
    return WORKS


def sysrq(guest: Running, shell: Shell) -> str:
    """Have the guest's kernel list its system requests."""
    guest.xl(f"sysrq {guest.name} h")
    shell.until("dmesg | grep -c 'sysrq: HELP'", "1")
    return WORKS


def nmi(guest: Running, shell: Shell) -> str:
    """Trigger an NMI, which the guest's kernel tells of."""
    guest.xl(f"trigger {guest.name} nmi")
    try:
        shell.until("dmesg | grep -c 'NMI received'", "1")
    except UnseenError:
        return UNSEEN
    return WORKS


def paused(guest: Running, shell: Shell) -> str:
    """Pause the guest and let it go on."""
    guest.xl(f"pause {guest.name}")
    state = guest.xl(f"list {guest.name}").split()[-2]
    assert state[2] == "p", state
    guest.xl(f"unpause {guest.name}")
    shell.run("true")
    return WORKS


def rename(guest: Running, shell: Shell) -> str:
    """Give the guest another name and its own again; it reads the name in XenStore."""
    guest.xl(f"rename {guest.name} another")
    assert shell.run(xenstore("name")) == "another"
    guest.xl(f"rename another {guest.name}")
    return WORKS


def xenstore(key: str) -> str:
    """Return a command that reads one key of XenStore, relative to the guest's own folder.

    A request is type 2, three words of zero and length, all of 32 bits; the answer has such a head.
    """
    length = f"\\{len(key) + 1:03o}\\0\\0\\0"
    request = f"\\002\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0{length}{key}\\0"
    return (
        f"exec 3<>/dev/xen/xenbus; printf '{request}' >&3; "
        "dd bs=4096 count=1 <&3 2> /dev/null | tail -c +17"
    )
