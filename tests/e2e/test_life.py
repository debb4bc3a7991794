"""A converted guest's life: reboot, shutdown, size, and the config edited in place."""

import pytest

from tests.e2e.environment import Environment, create, loops

pytestmark = pytest.mark.e2e

# What shims 4.10-4.17 keep of memory=512, in MiB. Measured with 4.17.7: 25, and 29 of 1024.
SHIM_SHARE = range(18, 30)


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
    assert 512 - current // 1024 in SHIM_SHARE
    filled, _of, wanted, _current = facts.one("filled").split()
    assert int(filled) >= int(wanted) - 8192  # it could use all it was given
    assert facts.one("token") == environment.files.token()


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
