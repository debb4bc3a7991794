"""A converted guest's life: reboot, shutdown, size, and the config edited in place."""

import pytest

from tests.e2e.environment import Environment, create, loops
from tests.e2e.guest_report import MORE

pytestmark = pytest.mark.e2e

# MiB by which its kernel may count less: Linux keeps descriptions of the pages that it might be
# given up to the container's size, 2 MiB of them for each 128. Seen of 512: 2.0 less.
KERNEL_LESS = 4


@pytest.mark.e2e_ci("hvm")
def test_reboot_and_shutdown(environment: Environment) -> None:
    root = environment.files.root_disk()
    config = environment.convert(
        "again",
        f"""
name = "again"
kernel = "{environment.files.kernel()}"
ramdisk = "{environment.files.ramdisk()}"
extra = "console=hvc0 root=/dev/xvda1 rw e2e=reboot-once"
memory = 512
disk = ["phy:/dev/loop0,xvda1,w"]
on_reboot = "restart"
""",
    )
    with environment.boot("again", config, loops(root), start=2) as guest:
        first, second = guest.starts()
        assert (first.one("boot"), second.one("boot")) == ("1", "2")
        assert second.one("token") == environment.files.token(root=True)
        assert guest.machine.run("xl shutdown again").code == 0
        guest.wait_gone()
        assert "E2E asked poweroff" in guest.console()


def test_size(environment: Environment) -> None:
    config = environment.convert(
        "size",
        f"""
name = "size"
kernel = "{environment.files.kernel()}"
ramdisk = "{environment.files.ramdisk()}"
extra = "console=hvc0 e2e=fill"
memory = 512
maxmem = 1024
vcpus = 2
maxvcpus = 4
""",
    )
    with environment.boot("size", config) as guest:
        (facts,) = guest.starts()
    assert facts.one("vcpus") == "2"
    current, _target = facts.memory()
    assert current // 1024 - 512 in MORE
    filled, _of, wanted, _current = facts.one("filled").split()
    assert int(filled) >= int(wanted) - 8192  # it could use all it was given
    assert facts.one("token") == environment.files.token()


def test_the_guest_has_the_memory_it_had(environment: Environment) -> None:
    """As its kernel counts it, under the shim and as the PV guest it was."""
    config = environment.convert(
        "same",
        f"""
name = "same"
kernel = "{environment.files.kernel()}"
ramdisk = "{environment.files.ramdisk()}"
extra = "console=hvc0 e2e=wait"
memory = 512
""",
    )
    with environment.boot("same", config) as guest:
        (converted,) = guest.starts()
    with environment.dom0() as dom0:
        native = create(dom0, "same", "/guest/etc/same.cfg").wait_start()
    assert (converted.memory()[0] - native.memory()[0]) // 1024 in MORE
    now, before = (int(each.one("memtotal")) / 1024 for each in (converted, native))
    assert -KERNEL_LESS < now - before < MORE.stop, f"MemTotal: {before} MiB before, {now} now"


@pytest.mark.e2e_ci("hvm")
def test_a_guest_too_small_for_the_shim_starts(environment: Environment) -> None:
    """Debian's kernel needs 361 MB under a shim, 257 in HVM: convert raises memory= to that."""
    config = environment.convert(
        "small",
        f"""
name = "small"
kernel = "{environment.files.kernel()}"
ramdisk = "{environment.files.ramdisk()}"
extra = "console=hvc0 e2e=wait"
memory = 128
""",
    )
    with environment.boot("small", config) as guest:
        (facts,) = guest.starts()
    assert facts.one("token") == environment.files.token()
    current, _target = facts.memory()
    assert current // 1024 in (range(228, 248) if environment.mode == "hvm" else range(330, 350))


@pytest.mark.modes("hvm")
def test_vcpus_are_taken_and_given_back(environment: Environment) -> None:
    """By `xl vcpu-set`, up to vcpus=: of those beyond, the guest never hears (-i: of one CPU)."""
    config = environment.convert(
        "vcpus",
        f"""
name = "vcpus"
kernel = "{environment.files.kernel()}"
ramdisk = "{environment.files.ramdisk()}"
extra = "console=hvc0 e2e=cpus"
memory = 512
vcpus = 2
maxvcpus = 4
""",
    )
    with environment.boot("vcpus", config) as guest:
        (facts,) = guest.starts()
        assert facts.one("token") == environment.files.token()
        seen: list[str] = []
        for online, given in (("0-1", 2), ("0", 1), ("0-1", 4)):
            assert guest.machine.run(f"xl vcpu-set -i vcpus {given}").code == 0
            guest.wait_told("cpus", seen := [*seen, f"{online} possible 0-1"])


@pytest.mark.modes("hvm")
@pytest.mark.e2e_ci("hvm")
def test_in_place_and_restored(environment: Environment) -> None:
    root = environment.files.root_disk()
    text = f"""
name = "auto"
kernel = "{environment.files.kernel()}"
ramdisk = "{environment.files.ramdisk()}"
root = "/dev/xvda1 ro"
extra = "console=hvc0 e2e=wait"
memory = 512
disk = ["phy:/dev/loop0,xvda1,w"]
"""
    environment.convert("auto", text, "--in-place")
    path = "/guest/etc/auto.cfg"
    edited = (environment.files.home / "etc/auto.cfg").read_text()
    with environment.boot("auto", path, loops(root)) as guest:
        assert guest.starts()[0].one("token") == environment.files.token(root=True)
        assert '"hvm"' in guest.machine.run("xl list -l auto").text
    environment.restore("auto")
    assert edited != text == (environment.files.home / "etc/auto.cfg").read_text()
    with environment.dom0() as dom0:  # and as PV again
        guest = create(dom0, "auto", path, loops(root))
        facts = guest.wait_start()
        assert facts.one("cmdline") == "root=/dev/xvda1 ro console=hvc0 e2e=wait"
        assert facts.one("token") == environment.files.token(root=True)
        assert '"pv"' in dom0.run("xl list -l auto").text
