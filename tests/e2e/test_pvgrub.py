"""Guests that boot from their own disk by PV GRUB, in the layouts of the wild."""

import pytest

from tests.e2e import grubs, layouts
from tests.e2e.environment import Environment
from tests.e2e.guest_report import GuestReport
from tests.e2e.layouts import Layout
from tests.support import debs

pytestmark = pytest.mark.e2e


def place(environment: Environment, layout: Layout, configs: dict[str, str | bytes]) -> None:
    """Lay out the trees: root with its challenge, kernel and ramdisk where the layout has them."""
    environment.files.root_tree()
    boot = "boot" if not layout.boot else "root"
    folder = "" if not layout.boot else "boot/"
    environment.files.tree(
        boot,
        {
            f"{folder}vmlinuz": debs.kernel().read_bytes(),
            f"{folder}initrd.img": environment.files.ramdisk_bytes(layout.modules),
        }
        | {f"{folder}{name}": data for name, data in configs.items()},
    )


def boot(
    environment: Environment, layout: Layout, configs: dict[str, str | bytes], more: str = ""
) -> GuestReport:
    """Convert a guest with this layout and these configs in its boot folder, and boot it.

    `more` are lines of its config.
    """
    place(environment, layout, configs)
    config = environment.convert(
        "disk",
        f"""
bootloader = "/usr/lib/xen-4.4/bin/pygrub"
name = "disk"
memory = 512
{layout.disk_key()}
{more}
""",
        *("--boot-loader", "pvgrub"),
    )
    with environment.boot("disk", config, layout.prepare) as guest:
        (facts,) = guest.starts()
    assert facts.one("hypervisor").startswith("xen PV ")
    assert facts.one("token") == environment.files.token(root=layout.challenge)
    return facts


def line(facts: GuestReport) -> str:
    """Return the command line less what the loaders put before it.

    GRUB 2 adds nothing under Xen but BOOT_IMAGE=, the kernel's path.
    """
    return " ".join(w for w in facts.one("cmdline").split() if not w.startswith("BOOT_IMAGE="))


@pytest.mark.e2e_ci("hvm")
def test_grub_cfg_on_a_partition(environment: Environment) -> None:
    layout = layouts.MBR
    facts = boot(environment, layout, {"grub/grub.cfg": grubs.filled(grubs.DEBIAN, layout)})
    assert line(facts) == f"root=/dev/xvda1 ro {grubs.LINE}"
    assert facts.one("root") == "/dev/xvda1 ro this is root"
    assert set(facts.blocks()) == {"xvda"}


@pytest.mark.modes("pvh")
def test_grub_cfg_on_gpt(environment: Environment) -> None:
    layout = layouts.GPT
    facts = boot(environment, layout, {"grub/grub.cfg": grubs.filled(grubs.DEBIAN, layout)})
    assert facts.one("root") == "/dev/xvda2 ro this is root"


@pytest.mark.modes("pvh")
@pytest.mark.e2e_ci("pvh")
def test_menu_lst_on_a_partition_vdev(environment: Environment) -> None:
    """As xen-tools writes it: `root (hd0,0)`, though no disk has partitions."""
    layout = layouts.PARTITION_VDEV
    facts = boot(environment, layout, {"grub/menu.lst": grubs.filled(grubs.LEGACY, layout)})
    assert line(facts) == f"root=/dev/xvda2 ro {grubs.LINE}"
    assert facts.one("root") == "/dev/xvda2 ro this is root"
    assert set(facts.blocks()) == {"xvda1", "xvda2"}


# Everything that means something to GRUB's scripts, to its command lines, or to Linux's.
WORDS = r"""from=config  a='b c' "d=e f" g\h\x20 $i ${j} `k` ;l|m<n>o&p {q} #r !s*?[t] u\ v  """


@pytest.mark.e2e_ci("hvm")
def test_words_of_the_config(environment: Environment) -> None:
    """As in xen-tools' configs; the guest's line is byte for byte what pygrub makes of them."""
    layout = layouts.PARTITION_VDEV
    more = f"root = '/dev/xvda2 ro'\nextra = {xl_string(WORDS)}\n"
    facts = boot(environment, layout, {"grub/menu.lst": grubs.filled(grubs.LEGACY, layout)}, more)
    wanted = f"root=/dev/xvda2 ro {grubs.LINE} root=/dev/xvda2 ro {WORDS}"
    assert facts.command_line().decode() == wanted
    assert facts.one("root") == "/dev/xvda2 ro this is root"


AS_KEYS = """
kernel = "/boot/vmlinuz"
ramdisk = "/boot/initrd.img"
root = "{root} ro"
extra = "{line}"
"""
# pygrub takes these before all keys.
AS_ARGUMENTS = """
bootloader_args = ["--kernel=/boot/vmlinuz", "--ramdisk=/boot/initrd.img",
                   "--args=root={root} ro {line}"]
extra = "from=extra"
"""


@pytest.mark.parametrize("told", [AS_KEYS, AS_ARGUMENTS], ids=["keys", "arguments"])
def test_files_that_the_config_names(environment: Environment, told: str) -> None:
    """No menu is read, as with pygrub."""
    layout = layouts.MBR
    more = told.format(root=layout.root, line=grubs.LINE)
    wrong = grubs.filled(grubs.DEBIAN, layout, line="from=menu")
    facts = boot(environment, layout, {"grub/grub.cfg": wrong}, more)
    assert facts.command_line().decode() == f"root=/dev/xvda1 ro {grubs.LINE}"
    assert facts.one("root") == "/dev/xvda1 ro this is root"


@pytest.mark.modes("hvm")
def test_extlinux_on_the_disk_that_is_listed_first(environment: Environment) -> None:
    """Whatever another disk, of a lower name, has."""
    layout = layouts.NEW_AND_OLD
    environment.files.tree("old", {"boot/grub/grub.cfg": grubs.filled(grubs.DEBIAN, layout)})
    menu = grubs.filled(grubs.EXTLINUX, layout)
    facts = boot(environment, layout, {"extlinux/extlinux.conf": menu}, "extra = 'x=y'")
    assert facts.command_line().decode() == f"root=/dev/xvdb1 ro {grubs.LINE} x=y"
    assert facts.one("root") == "/dev/xvdb1 ro this is root"
    (log,) = environment.logs.glob("*/disk.console.log")
    said = "PV GRUB: taking /boot/extlinux/extlinux.conf of xen/xvdb,1"
    assert said in log.read_text(errors="replace")


def xl_string(text: str) -> str:
    """Quote a string for xl."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@pytest.mark.modes("pvh")
@pytest.mark.e2e_ci("pvh")
def test_root_on_lvm(environment: Environment) -> None:
    layout = layouts.LVM
    facts = boot(environment, layout, {"grub/grub.cfg": grubs.filled(grubs.DEBIAN, layout)})
    assert line(facts) == f"root=/dev/mapper/guest-root ro {grubs.LINE}"


@pytest.mark.modes("hvm")
def test_boot_beside_lvm(environment: Environment) -> None:
    layout = layouts.BOOT_BESIDE_LVM
    boot(environment, layout, {"grub/grub.cfg": grubs.filled(grubs.DEBIAN, layout)})


@pytest.mark.modes("pvh")
def test_separate_boot_with_grub_conf(environment: Environment) -> None:
    """RHEL 5 and 6."""
    layout = layouts.SEPARATE_BOOT
    facts = boot(environment, layout, {"grub/grub.conf": grubs.filled(grubs.LEGACY, layout)})
    assert facts.one("root") == "/dev/xvda2 ro this is root"


@pytest.mark.modes("hvm")
def test_grub2_on_xfs(environment: Environment) -> None:
    """RHEL 7, whose entries say linux16."""
    layout = layouts.XFS
    text = grubs.filled(grubs.DEBIAN, layout)
    text = text.replace("  linux ", "  linux16 ").replace("  initrd ", "  initrd16 ")
    facts = boot(environment, layout, {"grub2/grub.cfg": text})
    assert facts.one("root") == "/dev/xvda1 ro this is root"


@pytest.mark.modes("pvh")
def test_btrfs_subvolume(environment: Environment) -> None:
    """Ubuntu, SUSE."""
    layout = layouts.BTRFS
    boot(environment, layout, {"grub/grub.cfg": grubs.filled(grubs.DEBIAN, layout)})


def bls(good: str, gone: str, more: dict[str, str | bytes]) -> dict[str, str | bytes]:
    """Return /boot with two entries, of which only the version `good` can be booted."""
    layout = layouts.SEPARATE_BOOT
    options = """$kernelopts dyndbg="file a.c +p" """.strip()
    entry = grubs.BLS_ENTRY
    name = "loader/entries/0123456789abcdef-{}.x86_64.conf"
    return {
        name.format(good): grubs.filled(entry, layout, version=good, gone="", options=options),
        name.format(gone): grubs.filled(entry, layout, version=gone, gone=".gone", options="ro"),
    } | more


# GRUB puts its quotes around the whole word, on any machine; Linux reads it the same.
BLS_LINE = f'root=/dev/xvda2 ro {grubs.LINE} "dyndbg=file a.c +p"'
KERNELOPTS = f"root=/dev/xvda2 ro {grubs.LINE}"


@pytest.mark.modes("pvh")
def test_bls_entries(environment: Environment) -> None:
    """Fedora: its grub.cfg calls blscfg. The newest version is booted."""
    layout = layouts.SEPARATE_BOOT
    configs: dict[str, str | bytes] = {
        "grub2/grub.cfg": grubs.filled(grubs.BLS, layout),
        "grub2/grubenv": grubs.grubenv(kernelopts=KERNELOPTS),
    }
    files = bls("6.10.3-200.fc40", "6.9.12-200.fc40", configs)
    assert line(boot(environment, layout, files)) == BLS_LINE


@pytest.mark.modes("hvm")
def test_bls_entries_alone(environment: Environment) -> None:
    """Without a grub.cfg; the entry saved as the default is booted, though it is older."""
    saved = "0123456789abcdef-6.9.12-200.fc40.x86_64"
    env = grubs.grubenv(kernelopts=KERNELOPTS, saved_entry=saved)
    files = bls("6.9.12-200.fc40", "6.10.3-200.fc40", {"grub2/grubenv": env})
    assert line(boot(environment, layouts.SEPARATE_BOOT, files)) == BLS_LINE
