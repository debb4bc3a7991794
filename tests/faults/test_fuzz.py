"""10,000 damaged inputs: a result or a plain error, within 10 s and 256 MB, and never a traceback.

They go to the real command line in batches, which must keep to these bounds as a whole; fuzzing.py
says how more are tried. pytest keeps the folder of a batch that fails; its files' numbers are those
that mutate.mutant() makes them by.
"""

import os
import re
import struct
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import pytest

from shimtool.model import Compression
from shimtool.shims.probe import MULTIBOOT1, PHYS32_ENTRY, SHIM_MARK
from tests.configs.libvirt.support import GOOD as DOMAINS
from tests.configs.sxp.support import FIXTURES as SXP
from tests.configs.xl.support import FIXTURES as XL
from tests.configs.xm.support import FIXTURES as XM
from tests.faults import mutate
from tests.faults.fuzzing import CPU_SECONDS, IDLE, MEMORY, in_batches, mutants, tally
from tests.faults.scenarios import CONVERT, IN_PLACE, SCENARIOS, Trial, Words
from tests.output.support import make
from tests.support import cpio, debs, package_builder
from tests.support import kernel_builder as build
from tests.support.cli import Result, forked, run_here, shimtool_cli
from tests.support.dom0 import EMPTY_CPIO, Dom0
from tests.support.own_shims import own_shims

BATCH = 250
TENANT = 65534
PLANS = Path("tests/plan/data").glob("*.cfg")


def contents(paths: Iterable[Path]) -> list[bytes]:
    return [path.read_bytes() for path in sorted(paths)]


CONFIGS = {
    "xl": contents([*XL, *PLANS]),
    "xm": contents(XM),
    "libvirt": contents(DOMAINS),
    "sxp": contents(SXP),
}
PVH = ("--xen", "4.17.7")


def check(ended: Result, codes: Sequence[int] = (0, 1)) -> None:
    assert "Traceback" not in ended.said, ended.said[-3000:]
    assert ended.code in codes, ended.said[-3000:]
    assert ended.cpu < CPU_SECONDS
    assert ended.memory < MEMORY - IDLE


def check_all(reader: str, taken: int, *runs: Result, number: int = BATCH) -> None:
    """Check runs over `number` mutants of a reader, `taken` of them sound; note what they took."""
    for ended in runs:
        check(ended)
    outcomes = {"taken": taken, "refused": number - taken}
    tally(reader, number, max(r.cpu for r in runs), max(r.memory for r in runs), outcomes)


def batches(group: str) -> list[tuple[str, int]]:
    return [(group, first) for first in range(0, mutants(group), BATCH)]


def emptied(trial: Trial) -> Path:
    """A dom0 without configs; returns their folder."""
    trial.rewind()
    for path in trial.dom0.configs.iterdir():
        path.unlink()
    return trial.dom0.configs


@pytest.mark.parametrize(("group", "first"), [each for name in CONFIGS for each in batches(name)])
def test_configs(guests: Trial, group: str, first: int) -> None:
    """Read, planned and shown; those that can be are converted, and their configs verified."""
    folder = emptied(guests)
    good = CONFIGS[group]
    for number in range(first, first + BATCH):
        data = mutate.mutant(group, number, good, text=True)
        (folder / f"{number}.{'xml' if group == 'libvirt' else 'cfg'}").write_bytes(data)
    scanned = guests.run(("scan", "--json"))
    assert scanned.code == 0, scanned.said[-3000:]
    runs = guests.run(("plan",)), scanned, guests.run((*CONVERT, *PVH))
    made = [str(path) for path in guests.dom0.out.glob("*.xml" if group == "libvirt" else "*.cfg")]
    assert made, "none was good enough to convert"
    check_all(group, len(made), *runs)
    verified = guests.run(("verify", *made))
    assert verified.code == 0, verified


def kernels() -> list[bytes]:
    image = build.elf(segment=build.notes(build.PV_NOTES), body=bytes(5000))
    sections = {
        b".notes": (7, build.notes(build.PV_NOTES)),
        b"__xen_guest": (1, build.LEGACY),
    }
    wrapped = [build.bzimage(build.packed(image, kind)) for kind in Compression]
    plain = [build.elf(bits=bits, sections=sections) for bits in (32, 64)]
    return [
        *wrapped,
        *plain,
        *(build.packed(plain[1], k, sized=False) for k in Compression),
    ]


def ramdisks() -> list[bytes]:
    archive = cpio.archive({"init": b"#!/bin/sh\n" * 500})
    return [EMPTY_CPIO + archive, *(build.packed(archive, kind) for kind in Compression)]


@pytest.mark.parametrize(("group", "first"), [*batches("kernels"), *batches("ramdisks")])
def test_kernels_and_ramdisks(guests: Trial, group: str, first: int) -> None:
    """Every second one is a tenant's, and looked at in a jail."""
    folder, boot = emptied(guests), guests.dom0.boot
    good = {"kernels": kernels, "ramdisks": ramdisks}[group]()
    for number in range(first, first + BATCH):
        data = mutate.mutant(group, number, good, text=False, head=2048)
        (boot / f"mutant-{number}").write_bytes(data)
        os.chown(boot / f"mutant-{number}", *(2 * [TENANT * (number % 2)]))
        key, other = ("kernel", "") if group == "kernels" else ("ramdisk", "kernel='/boot/vmlinuz'")
        (folder / f"{number}.cfg").write_text(
            f"name = 'g{number}'\n{key} = '/boot/mutant-{number}'\n{other}\nmemory = 64\n"
        )
    planned = guests.run(("plan",))
    check_all(group, BATCH - len(re.findall("^error: ", planned.said, re.MULTILINE)), planned)
    assert not re.search(r"ended by|exit code|reader failed|no sound answer", planned.said)
    assert "is not here" not in planned.said, "they were not looked at"
    if first % (4 * BATCH) == 0:
        check(guests.run(CONVERT))
        made = [str(path) for path in guests.dom0.out.glob("*.iso")]
        assert made
        assert guests.run(("verify", *made)).code == 0


def small_shim() -> bytes:
    """As small as a PV shim can be: a multiboot header, Xen's note, what only a shim says."""
    header = struct.pack("<III", MULTIBOOT1, 0, -MULTIBOOT1 & 0xFFFFFFFF)
    body = header + SHIM_MARK + b"\0004.17.7\0" + bytes(range(256)) * 20
    return build.elf(bits=32, segment=build.notes({PHYS32_ENTRY: bytes(4)}), body=body)


def packages(folder: Path) -> list[bytes]:
    """A small and the head of a real shim, bare and as packages of each kind."""
    name, real = "usr/lib/xen/boot/xen-shim", debs.xen_shim().read_bytes()[: 200 << 10]
    small = small_shim()
    (folder / "payload").write_bytes(small)
    return [
        small,
        build.packed(small, Compression.GZIP),
        build.packed(real, Compression.GZIP),
        build.elf(bits=32, segment=build.notes(build.PV_NOTES)),
        package_builder.apk(folder / "x.apk", {name: small}, "4.10.1-r2").read_bytes(),
        package_builder.rpm(folder, folder / "payload", "w1.gzdio").read_bytes(),
        *(package_builder.deb(_new(folder / kind), {name: small}, kind, "4.17.7-1").read_bytes()
          for kind in ("xz", "gzip", "zstd", "none")),
    ]  # fmt: skip


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_shims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Added many at a time by one process."""
    folder = own_shims(tmp_path, monkeypatch)
    before = set(folder.parent.iterdir())
    good = packages(tmp_path)
    assert run_here("shims", "add", build.write(tmp_path, good[0])).code == 0

    def add(number: int) -> bool:
        path = tmp_path / f"mutant-{number % 2}"
        for added in folder.iterdir():
            added.unlink()
        path.write_bytes(mutate.mutant("shims", number, good, text=False, head=20_000))
        ended = run_here("shims", "add", path)
        check(ended)
        assert ended.code == 0 or "error: " in ended.said
        return ended.code == 0

    in_batches("shims", add, 50)
    assert set(folder.parent.iterdir()) == before


@pytest.mark.parametrize(("group", "first"), batches("isos"))
def test_isos(tmp_path: Path, group: str, first: int) -> None:
    good = [make(tmp_path).data]
    paths = [tmp_path / f"{number}.iso" for number in range(first, first + BATCH)]
    for number, path in enumerate(paths, first):
        head = 70_000 if number % 2 else len(good[0])
        path.write_bytes(mutate.mutant(group, number, good, text=False, head=head))
    ended = shimtool_cli("verify", *paths)
    check_all(group, ended.said.count(": ok\n"), ended)
    assert len(re.findall(r"^error: |: ok$", ended.said, re.MULTILINE)) >= BATCH
    for path in paths:
        path.unlink()


@pytest.mark.usefixtures("small_shim")
@pytest.mark.parametrize(
    ("file", "eighths", "command"),
    [
        ("out/shimtool.yaml", 4, ("status",)),
        ("out/shimtool.yaml", 1, CONVERT),
        ("out/originals/one/kept.json", 1, ("restore",)),
        ("out/originals/one/written.cfg", 1, IN_PLACE),
        ("etc-xen/one.cfg", 1, ("restore",)),
    ],
)
def test_what_we_keep(tmp_path: Path, file: str, eighths: int, command: Words) -> None:
    """Damage in files of our own: never another config written than the original or ours."""
    trial = Trial(Dom0(tmp_path / "dom0"), SCENARIOS["restore"], guests=("one",))
    trial.rewind()
    config, path = trial.dom0.configs / "one.cfg", trial.dom0.root / file
    original = (trial.dom0.out / "originals/one/original.cfg").read_bytes()
    ours, good = config.read_bytes(), path.read_bytes()

    def damage(first: int) -> None:
        for number in range(first, first + 25):
            trial.rewind()
            lines = number % 2 == 1  # many of these can still be read
            damaged = mutate.mutant(file, number, [good], text=lines, head=len(good))
            path.unlink()
            path.write_bytes(damaged)
            ended = run_here(*trial.words(command))
            check(ended)
            print(ended.code, flush=True)
            assert config.read_bytes() in (ours, original, damaged), number

    codes: set[str] = set()
    for first in range(0, mutants("kept", parts=8) * eighths, 25):
        ended = forked(partial(damage, first))
        assert ended.code == 0, ended.said[-3000:]
        check_all("kept", ended.out.split().count("0"), ended, number=25)
        codes.update(ended.out.split())
    # A config with any damage is another than the one written: that is always told.
    assert codes >= ({"1"} if path.suffix == ".cfg" else {"0", "1"})
