"""A tenant's configs and links, read by root through the launcher: they gain him nothing.

In each test web01, another guest of the same run, is converted as if he were not there.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.conftest import Launch
from tests.appliance.engines import Engine
from tests.appliance.tenant import MARK, Tenant, a_tenant
from tests.support.dom0 import Dom0

pytestmark = pytest.mark.appliance

# What is the image's own in the image, and dom0's on dom0.
PYTHON = "/usr/bin/python3.11"


@pytest.fixture(scope="module")
def module_tenant() -> Iterator[Tenant]:
    with a_tenant() as tenant:
        yield tenant


@pytest.fixture
def tenant(module_tenant: Tenant) -> Tenant:
    """His programs, in the places of the image's own, and links that lead there in many ways."""
    for path in (
        "usr/bin/python3.11",
        "usr/lib64/ld-linux-x86-64.so.2",
        "lib64/ld-linux-x86-64.so.2",
    ):
        module_tenant.program(path)
    module_tenant.does(
        "rm -rf a x k; mkdir -p a/b/c; ln -s $PWD/a/b/c x; mkdir k;"
        "ln -s ../x/../../../usr/bin/python3.11 k/vmlinuz"
    )
    return module_tenant


def kernel(path: str) -> str:
    return f'name = "evil"\nmemory = 512\nkernel = "{path}"\n'


def disk(spec: str) -> str:
    """A guest whose disk must be read: PV GRUB does not know --entry."""
    boot = 'bootloader="pygrub"\nbootloader_args=["--entry=0"]\n'
    return f'name="evil"\nmemory=512\n{boot}disk=["{spec},xvda,w"]\n'


ATTACKS = {
    "dots": kernel("{home}/x/../../.." + PYTHON),
    "loader": kernel("{home}/x/../../../usr/lib64/ld-linux-x86-64.so.2"),
    "unmerged loader": kernel("{home}/x/../../../lib64/ld-linux-x86-64.so.2"),
    "innocent link": kernel("{home}/k/vmlinuz"),
    "disk": disk("file:{home}/x/../../.." + PYTHON),
    "disk by tap": disk("tap:aio:{home}/k/vmlinuz"),
    "slashes": kernel("//{home}//./x/.././../.." + PYTHON),
    "own Python": kernel("/usr/lib/python3/dist-packages/six.py"),
    "own libraries": kernel("/usr/lib/x86_64-linux-gnu/libc.so.6"),
    "unmerged libraries": kernel("/lib/x86_64-linux-gnu/libc.so.6"),
    "own loader": kernel("/lib64/ld-linux-x86-64.so.2"),
    "whole tree": kernel("/usr/../vmlinuz-there-is-none"),
    "odd name": kernel("{home}/a:b,c=d/vmlinuz:/usr/bin"),
}


def assert_unharmed(launch: Launch, dom0: Dom0, tenant: Tenant) -> str:
    """Run it on all configs: web01 is converted, and no program of the tenant's is run."""
    out = dom0.root / "made"
    done = launch(
        "convert", "--force", "--out", out, "--map", f"/boot={dom0.boot}", "--in", dom0.configs
    )
    assert "web01: converted" in done.out, done.err
    assert MARK not in done.out + done.err
    assert "Traceback" not in done.err
    assert (out / "web01.iso").is_file()
    assert str(tenant.home) not in Path("/proc/self/mountinfo").read_text()
    checked = launch("verify", "--out", out, out / "web01.cfg")
    assert checked.code == 0, checked.err
    return done.err


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_config(launch: Launch, dom0: Dom0, tenant: Tenant, attack: str) -> None:
    dom0.config("evil.cfg", ATTACKS[attack].format(home=tenant.home))
    assert "3 refused" in assert_unharmed(launch, dom0, tenant)  # two of the samples are


def test_the_programs_do_run(tenant: Tenant) -> None:
    """Else the tests above would prove nothing."""
    done = subprocess.run([tenant.home / PYTHON[1:]], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == MARK


def test_links_that_change_meanwhile(launch: Launch, dom0: Dom0, tenant: Tenant) -> None:
    """The kernel's folder is exchanged all the time for a link to the image's own places."""
    tenant.does("rm -rf k good bad; mkdir good; : > good/python3.11; ln -s ../../usr/bin bad")
    dom0.config("evil.cfg", kernel(f"{tenant.home}/k/python3.11"))
    with tenant.start("while :; do ln -sfn good k; ln -sfn bad k; done") as exchanging:
        try:
            for _ in range(3):
                assert_unharmed(launch, dom0, tenant)
        finally:
            exchanging.kill()


def test_a_config_in_the_tenants_folder_is_not_edited(
    launch: Launch, dom0: Dom0, tenant: Tenant
) -> None:
    """He could exchange what root is about to replace."""
    tenant.does("mkdir -p configs")
    config = tenant.home / "configs/evil.cfg"
    config.write_text(kernel(f"{dom0.boot}/vmlinuz"))
    before = config.read_bytes()
    words = ("--out", dom0.root / "made", "--map", f"/boot={dom0.boot}")
    done = launch("convert", "--in-place", config, "web01.cfg", *words)
    assert "web01: converted" in done.out, done.err
    assert f"{config.parent}" in done.err
    assert "cannot be edited" not in done.err
    assert config.read_bytes() == before


@pytest.mark.parametrize(
    "way", ["his", "in his", "group", "all", "sticky", "through his link", "his link"]
)
def test_an_out_that_others_can_change(
    launch: Launch, dom0: Dom0, tenant: Tenant, way: str
) -> None:
    tenant.does("rm -rf out; mkdir out")
    out = tenant.home / "out"
    if way == "in his":
        out = out / "below"
    elif way == "through his link":
        (dom0.root / "link").symlink_to(out)
        out = dom0.root / "link"
    elif way == "his link":
        out = dom0.root / "made"
        out.mkdir(mode=0o755)
        link = tenant.home / "link"
        tenant.does(f"ln -sfn {out} {link}")
        out = link
    elif way != "his":
        out = dom0.root / "made"
        out.mkdir()
        out.chmod({"group": 0o775, "all": 0o777, "sticky": 0o1777}[way])
    done = launch("convert", "web01.cfg", "--out", out, "--map", f"/boot={dom0.boot}")
    assert done.code == 1
    assert "take " in done.err, done.err
    assert not list(out.glob("*")), "nothing was written there"


@pytest.fixture(params=["merged", "unmerged"])
def other_dom0(request: pytest.FixtureRequest, dom0: Dom0) -> Path:
    """The root of another dom0, each of whose own Pythons and libraries would end a run at once."""
    root = dom0.root / "root"
    usr = root / "usr"
    for name in (
        "bin",
        "lib64",
        "lib/x86_64-linux-gnu",
        "lib/python3.11",
        "lib/python3/dist-packages",
    ):
        (usr / name).mkdir(parents=True)
    for name in ("lib64/ld-linux-x86-64.so.2", "bin/python3.11", "lib/x86_64-linux-gnu/libc.so.6"):
        (usr / name).write_text("not this one")
    for name in (
        "lib/python3.11/os.py",
        "lib/python3.11/json.py",
        "lib/python3/dist-packages/yaml.py",
    ):
        (usr / name).write_text("raise SystemExit('dom0 has this, not the image')")
    for name in ("lib", "lib64"):
        if request.param == "merged":
            (root / name).symlink_to(f"usr/{name}")
        else:
            (root / name).mkdir()
    (root / "proc").mkdir()
    (root / "etc").mkdir()
    dom0.configs.rename(root / "etc/xen")
    dom0.boot.rename(root / "boot")
    return root


def test_nothing_of_dom0s_own_is_run(engine: Engine, image: str, other_dom0: Path) -> None:
    """In a container, which sees another dom0's tree than the one it runs on."""
    done = engine.once(
        image,
        *("-I", "-B", "-m", "shimtool.enter_dom0", "/etc/xen", "run", "scan", "web01.cfg"),
        entrypoint=[PYTHON],
        cap_add=["SYS_CHROOT", "DAC_OVERRIDE"],
        volumes={other_dom0: "/dom0:ro", Path("/proc"): "/dom0/proc:ro"},
    )
    assert done.code == 0, done.err
    assert "/etc/xen/web01.cfg" in done.out
    assert " yes " in done.out, done.out


def test_a_dom0_without_proc_is_told(engine: Engine, image: str, other_dom0: Path) -> None:
    done = engine.once(
        image,
        *("-I", "-B", "-m", "shimtool.enter_dom0", "/", "run", "scan"),
        entrypoint=[PYTHON],
        cap_add=["SYS_CHROOT"],
        volumes={other_dom0: "/dom0:ro"},
    )
    assert done.code == 1
    assert "/proc is not mounted" in done.err
    assert "Traceback" not in done.err
