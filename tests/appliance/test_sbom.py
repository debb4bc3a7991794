"""The SBOM and the list of sources against the image's real files and Debian's own records."""

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from shimtool import __version__
from tests.appliance.conftest import Dist
from tests.appliance.contents import DOCUMENTS, LIBRARIES, layers
from tests.support.debs import ROOT
from tests.support.programs import run

pytestmark = pytest.mark.appliance

SBOM = f"{DOCUMENTS}/shimtool/sbom.cdx.json"


def components(dist: Dist) -> Iterator[dict[str, Any]]:
    """The components of the image, shimtool itself first."""
    sbom = json.loads(layers(dist)[SBOM][1])
    yield sbom["metadata"]["component"]
    yield from sbom["components"]


def licence(part: dict[str, Any]) -> str:
    (said,) = part["licenses"]
    return str(said["expression"] if "expression" in said else said["license"]["id"])


def digest(part: dict[str, Any]) -> str:
    (told,) = part["hashes"]
    assert told["alg"] == "SHA-256"
    return str(told["content"])


def test_the_sbom_is_valid_and_complete(dist: Dist) -> None:
    # Loaded here: it takes seconds, and runs that leave this test out read the file as well.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    data = layers(dist)[SBOM][1].decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data) is None
    sbom = json.loads(data)
    assert sbom["metadata"]["component"]["version"] == __version__
    listed = {canonicalize_name(part["name"]) for part in sbom["components"]}
    installed = {
        canonicalize_name(name.split("/")[4].rpartition(".dist-info")[0].rpartition("-")[0])
        for name in layers(dist)
        if re.match(rf"{LIBRARIES}/[^/]*\.dist-info/METADATA$", name)
    }
    assert installed
    assert installed <= listed
    packages = {
        canonicalize_name(name.split("/")[3])
        for name in layers(dist)
        if name.startswith(f"{DOCUMENTS}/") and name.endswith("/copyright")
    }
    assert packages <= {*listed, "shimtool"}
    assert [part for part in sbom["components"] if part["name"].startswith("xen-shim ")]


def test_the_label_names_every_licence(dist: Dist) -> None:
    config = json.loads(dist.member(f"{dist.image_id}.json"))
    label = config["config"]["Labels"]["org.opencontainers.image.licenses"].split(" AND ")
    known = {one for part in components(dist) for one in licence(part).split(" AND ")}
    assert known == set(label)
    assert "AGPL-3.0-or-later" in label


def test_every_component_has_a_licence_that_spdx_knows(dist: Dist) -> None:
    from cyclonedx.spdx import is_expression, is_supported_id  # noqa: PLC0415 - as above

    for part in components(dist):
        said = licence(part)
        assert is_supported_id(said) or is_expression(said), part["name"]


def test_every_file_has_one_owner_and_its_hash(dist: Dist) -> None:
    """But byte code, which is made of files that have; and the SBOM itself."""
    listed = [file for part in components(dist) for file in part.get("components", [])]
    assert Counter(file["name"] for file in listed).most_common(1)[0][1] == 1
    there = {
        f"/{name}": hashlib.sha256(data).hexdigest()
        for name, (entry, data) in layers(dist).items()
        if entry.isreg() and not name.endswith(".pyc") and name != SBOM
    }
    assert {file["name"]: digest(file) for file in listed} == there


def test_the_hashes_of_packages_are_those_of_their_archives(dist: Dist) -> None:
    """Debian's own index for .deb files, as apt has checked it; the wheels' pins."""
    pins = (ROOT / "container/image/requirements.txt").read_text()
    packages = 0
    for part in list(components(dist))[1:]:
        purl = part.get("purl", "")
        if purl.startswith("pkg:deb/"):
            record = run(["apt-cache", "show", f"{part['name']}={part['version']}"])
            assert f"SHA256: {digest(part)}\n" in record
            packages += 1
        elif purl.startswith("pkg:pypi/"):
            assert f"--hash=sha256:{digest(part)}" in pins
        else:
            assert digest(part) == digest(part["components"][0])
    assert packages > 15


def test_the_sources_of_all_copyleft_parts_are_named(dist: Dist) -> None:
    """With the version of the source package, which may differ from what was built of it."""
    text = layers(dist)[f"{DOCUMENTS}/shimtool/SOURCES"][1].decode()
    checked = 0
    for part in components(dist):
        if "GPL" not in licence(part):
            continue
        if part.get("purl", "").startswith("pkg:deb/"):
            record = run(["apt-cache", "show", f"{part['name']}={part['version']}"])
            found = re.search(r"^Source: (\S+)(?: \((.*)\))?$", record, re.M)
            source = found[1] if found else part["name"]
            version = (found and found[2]) or part["version"]
            assert f"  {source} {version} (" in text
        else:
            assert part["version"] in text
        assert part["name"] in text
        checked += 1
    assert checked > 10


def test_a_written_offer_names_who_makes_it() -> None:
    program = "from sources import sources; print(sources([], 'Example Ltd, 1 High Street'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "container/image", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Written offer: Example Ltd, 1 High Street gives anyone" in done.stdout
