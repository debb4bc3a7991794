"""The command that a container says first: the mounts that the guests need, and no others."""

from pathlib import Path

import pytest

from shimtool.cli.one_shot import command
from shimtool.configs.xl.guest import read_guest
from shimtool.configs.xl.syntax import parse
from shimtool.model import Guest

KNOWN = {"/in": "/etc/xen"}
OUT = "-v /var/lib/xen/shimtool:/out"


def guest(text: str) -> Guest:
    return read_guest(parse(f"name = 'n'\n{text}\n".encode(), Path("n.cfg")))


def mounts(*texts: str) -> str:
    said = command([*map(guest, texts)], KNOWN, "podman", selinux=False)
    return said.partition("no-new-privileges ")[2].partition(' "$(')[0]


@pytest.mark.parametrize(
    ("texts", "inner"),
    [
        (
            ["kernel = '/boot/k'", "kernel = '/boot/old/k'\nramdisk = '/boot/r'"],
            "/boot:/kernels:ro",
        ),
        (["bootloader = 'pygrub'"], ""),
        (["kernel = '/k'\ntype = 'hvm'"], ""),
        (["kernel = '/srv/a b/k'"], "/boot:/kernels:ro -v '/srv/a b:/srv/a b:ro'"),
        (["kernel = '/boot/k'", "kernel = '/x/y/k'"], "/boot:/kernels:ro -v /x/y:/x/y:ro"),
        (["kernel = '/vmlinuz'", "kernel = '/boot/k'"], "/:/dom0:ro"),
        (["kernel = '/usr/lib/k'"], "/:/dom0:ro"),
        (["kernel = '/srv/../k'"], "/:/dom0:ro"),
        (["kernel = 'k'"], ""),
    ],
)
def test_the_mounts_that_kernels_need(texts: list[str], inner: str) -> None:
    assert mounts(*texts) == " ".join(
        ["-v /etc/xen:/in:ro", *([f"-v {inner}"] if inner else []), OUT]
    )


def test_the_whole_of_dom0_is_mapped() -> None:
    said = command([guest("kernel = '/vmlinuz'")], KNOWN, "docker", selinux=True)
    assert said.endswith('" convert --map /=/dom0')
    assert " --security-opt label=disable -v " in said


def test_what_is_known_of_mounts_is_said() -> None:
    known = {"/in": "/srv/xen", "/out": "/srv/it's", "/kernels": "/srv/k"}
    said = command([guest("kernel = '/boot/k'")], known, "docker", selinux=False)
    assert said.startswith("""mkdir -p '/srv/it'"'"'s' && docker run """)
    assert "-v /srv/xen:/in:ro -v /srv/k:/kernels:ro -v '/srv/it'" in said
    assert "-v FOLDER-OF-CONFIGS:/in:ro" in command([], {}, "docker", selinux=False)
