"""What `make dist SIGN=KEY` adds: checked with openssl, as the manual and INSTALL say."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.appliance.conftest import Dist
from tests.support.debs import ROOT
from tests.support.pages import PAGES

pytestmark = pytest.mark.appliance

CHECK = "openssl dgst -sha256 -verify signing.pub -signature SHA256SUMS.sig SHA256SUMS"
FINGERPRINT = "openssl pkey -pubin -in signing.pub -outform DER | sha256sum"
KINDS = {
    "RSA": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "EC": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "Ed25519": ("-algorithm", "ed25519"),
}


def key(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.pem"
    subprocess.run(["openssl", "genpkey", *KINDS[kind], "-out", path], check=True)
    return path


def sign(folder: Path, private: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [ROOT / "container/image/sign-dist", folder, private],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def shell(words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", "-c", words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(dist: Dist, tmp_path: Path) -> Path:
    """A copy of what `make dist` wrote, whether that was signed or not."""
    copied = tmp_path / "dist"
    shutil.copytree(dist.folder, copied, ignore=shutil.ignore_patterns("*.sig", "*.pub"))
    return copied


def test_the_texts_say_how_it_is_checked(folder: Path) -> None:
    for text in (folder / "INSTALL", PAGES["air-gapped"]):
        assert CHECK in text.read_text()
        assert FINGERPRINT in text.read_text()


@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_signed_and_checked(folder: Path, tmp_path: Path, kind: str) -> None:
    done = sign(folder, key(tmp_path, kind))
    assert done.returncode == 0, done.stderr
    told = shell(FINGERPRINT, folder).stdout.split()[0]
    assert done.stdout.endswith(f" {told}\n")
    assert "Verified OK" in shell(CHECK, folder).stdout
    assert shell("sha256sum -c SHA256SUMS", folder).returncode == 0
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if b"PRIVATE" in path.read_bytes()[:4096]]


def test_what_was_changed_is_noticed(folder: Path, tmp_path: Path, dist: Dist) -> None:
    """The archive alone by its checksum; with its checksum, by the signature."""
    sign(folder, key(tmp_path, "RSA"))
    archive = folder / dist.archive.name
    data = bytearray(archive.read_bytes())
    before = hashlib.sha256(data).hexdigest()
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    assert shell("sha256sum -c SHA256SUMS", folder).returncode != 0
    sums = folder / "SHA256SUMS"
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(data).hexdigest()))
    assert shell("sha256sum -c SHA256SUMS", folder).returncode == 0
    checked = shell(CHECK, folder)
    assert checked.returncode != 0
    assert "Verified OK" not in checked.stdout


def test_another_key_has_another_fingerprint(folder: Path, tmp_path: Path) -> None:
    """Who changes all and signs anew is told by that alone."""
    first = sign(folder, key(tmp_path, "RSA")).stdout
    assert sign(folder, key(tmp_path, "EC")).stdout != first
    assert "Verified OK" in shell(CHECK, folder).stdout


def test_a_key_that_old_programs_cannot_check(folder: Path, tmp_path: Path) -> None:
    done = sign(folder, key(tmp_path, "Ed25519"))
    assert done.returncode == 1
    assert "take an RSA or EC key" in done.stderr


def test_no_key(folder: Path, tmp_path: Path) -> None:
    done = sign(folder, tmp_path / "missing.pem")
    assert done.returncode == 1
    assert "missing.pem: cannot be read as a private key" in done.stderr
