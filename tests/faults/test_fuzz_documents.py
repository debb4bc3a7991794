"""Damaged documents that one part writes for another: each is read, or refused with a reason."""

import json
from io import BytesIO
from pathlib import Path

import pytest
import yaml

from shimtool.output.parameter_file import decode_parameters, encode_parameters
from shimtool.payload.guest_disk.answers import read_answer
from shimtool.payload.jailed.answers import frame
from shimtool.system.typed import DamagedDocumentError
from tests.faults import mutate
from tests.faults.fuzzing import in_batches
from tests.output.test_parameter_file import PARAMETERS
from tests.payload.guest_disk.test_answers import GOOD
from tests.prestage.images import Params, sealed
from tests.support.cli import run_here
from tests.support.own_shims import own_shims


def test_parameter_files() -> None:
    """Most with size and checksum set right; what is read is what would be written."""
    good = [encode_parameters(PARAMETERS), Params().encode()]

    def one(number: int) -> bool:
        data = mutate.mutant("parameters", number, good, text=False)
        if number % 4 and len(data) > 20:
            data = sealed(data[:12] + len(data).to_bytes(4, "little") + data[16:])
        try:
            found = decode_parameters(data)
        except DamagedDocumentError:
            return False
        assert encode_parameters(found) == data
        return True

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

    def one(number: int) -> bool:
        data = mutate.mutant("answers", number, good, text=True)
        data = frame(data) if number % 8 else data
        try:
            read_answer(BytesIO(data).read)
        except DamagedDocumentError:
            return False
        return True

    in_batches("answers", one)


def test_catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shims at hand, and what is known of builds, which is read when one is added."""
    folder = own_shims(tmp_path, monkeypatch)
    (folder / "a").write_bytes(b"x" * 100)
    row = {"name": "a", "version": "4.17.7", "sha256": "1" * 64, "build-id": "2" * 40}
    row |= {"kind": "pvshim", "origin": "made here"}
    known = yaml.safe_dump([row, {**row, "name": "b", "sha256": None}]).encode()
    row |= {"file": "a", "size": 100, "modes": ["hvm", "pvh"], "default": True}  # type: ignore[dict-item] # of any kind
    other = {**row, "name": "b", "file": "b", "sha256": "3" * 64, "default": False}
    (folder / "b").write_bytes(b"y" * 100)
    listed = yaml.safe_dump([row, other])
    good = {"shims.yaml": [listed.encode()], "known.yaml": [known]}

    def one(number: int) -> bool:
        name = list(good)[number % 2]
        for each in good:
            (folder / each).write_bytes(b"")
        data = mutate.mutant("catalogue", number, good[name], text=True)
        (folder / name).write_bytes(data)
        ended = run_here("shims", *(["add", "/bin/true"] if number % 2 else ["list"]))
        assert ended.code in (0, 1), ended.said
        assert "Traceback" not in ended.said, ended.said
        assert ended.code == 0 or "error: " in ended.said
        assert (folder / name).read_bytes() == data
        return ended.code == 0 or "/bin/true" in ended.said  # which is no shim

    in_batches("catalogue", one, 100)
