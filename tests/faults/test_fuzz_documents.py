"""Damaged documents that one part writes for another: each is read, or refused with a reason."""

import json
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
import yaml

from shimtool.output.parameter_file import decode_parameters, encode_parameters
from shimtool.payload.guest_disk.answers import read_answer
from shimtool.payload.jailed.answers import frame
from shimtool.system.typed import DamagedDocumentError
from tests.faults import mutate
from tests.faults.fuzzing import CPU_SECONDS, MEMORY, mutants, tally
from tests.output.test_parameter_file import PARAMETERS
from tests.payload.guest_disk.test_answers import GOOD
from tests.prestage.images import Params, sealed
from tests.support.cli import forked, run_here

BATCH = 500


def in_batches(reader: str, one: Callable[[int], None], size: int = BATCH) -> None:
    """Try every mutant of a reader, in children whose time and memory are looked at."""

    def try_all(first: int) -> None:
        for number in range(first, first + size):
            try:
                one(number)
            except BaseException as error:
                raise AssertionError(f"{reader} {number}: {error!r}") from error

    for first in range(0, mutants(reader), size):
        ended = forked(partial(try_all, first))
        assert ended.code == 0, ended.said[-3000:]
        assert ended.cpu < CPU_SECONDS
        assert ended.memory < MEMORY
        tally(reader, size, ended.cpu, ended.memory)


def test_parameter_files() -> None:
    """Most with size and checksum set right; what is read is what would be written."""
    good = [encode_parameters(PARAMETERS), Params().encode()]

    def one(number: int) -> None:
        data = mutate.mutant("parameters", number, good, text=False)
        if number % 4 and len(data) > 20:
            data = sealed(data[:12] + len(data).to_bytes(4, "little") + data[16:])
        try:
            found = decode_parameters(data)
        except DamagedDocumentError:
            return
        assert encode_parameters(found) == data

    in_batches("parameters", one)


def test_answers_of_the_jail() -> None:
    """Most in a frame that is right."""
    file = GOOD["kernel"]
    good = [
        json.dumps(GOOD | {"ramdisk": {"file": file, "gzip": True, "cpio": False}}).encode(),
        json.dumps(GOOD).encode(),
        json.dumps({"why": "no menu", "place": "/disk", "remedy": None}).encode(),
        b'{"opened": true}',
    ]

    def one(number: int) -> None:
        data = mutate.mutant("answers", number, good, text=True)
        data = frame(data) if number % 8 else data
        try:
            read_answer(BytesIO(data).read)
        except DamagedDocumentError:
            return

    in_batches("answers", one)


def test_catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shims at hand, and what is known of builds, which is read when one is added."""
    folder = tmp_path / "assets" / "shims"
    folder.mkdir(parents=True)
    monkeypatch.setenv("SHIMTOOL_ASSETS", str(folder.parent))
    (folder / "a").write_bytes(b"x" * 100)
    row = {"name": "a", "version": "4.17.7", "sha256": "1" * 64, "build-id": "2" * 40}
    row |= {"kind": "pvshim", "origin": "made here"}
    known = yaml.safe_dump([row, {**row, "name": "b", "sha256": None}]).encode()
    row |= {"file": "a", "size": 100, "modes": ["hvm", "pvh"], "default": True}  # type: ignore[dict-item] # of any kind
    listed = yaml.safe_dump([row, {**row, "name": "b", "sha256": "3" * 64, "default": False}])
    good = {"shims.yaml": [listed.encode()], "known.yaml": [known]}

    def one(number: int) -> None:
        name = list(good)[number % 2]
        for each in good:
            (folder / each).write_bytes(b"")
        data = mutate.mutant("catalogue", number, good[name], text=True)
        (folder / name).write_bytes(data)
        ended = run_here(*(["shims", "list"] if number % 2 == 0 else ["shims", "add", "/bin/true"]))
        assert ended.code in (0, 1), ended.said
        assert "Traceback" not in ended.said, ended.said
        assert ended.code == 0 or "error: " in ended.said
        assert (folder / name).read_bytes() == data

    in_batches("catalogue", one, 100)
