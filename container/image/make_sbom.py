"""Say what is inside the image: an SBOM (CycloneDX) and a list of sources among its files.

`make_sbom.py ROOT LISTS REVISION`, with the time in SOURCE_DATE_EPOCH, and in OFFER who offers the
sources in writing; make-context runs it when ROOT holds all else, and reads the labels that it
prints. Same files, same bytes.
"""

import hashlib
import os
import shlex
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from components import ASSETS, DOCUMENTS, Part, read
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from sources import sources

from shimtool import __version__
from shimtool.model import Mode, Shim
from shimtool.shims import catalogue

TYPES = {"shim": ComponentType.FIRMWARE, "shimtool": ComponentType.CONTAINER}


def main() -> None:
    """Write the SBOM and the list of sources, print the labels as shell assignments."""
    root, lists, revision = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    when = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    documents = root / DOCUMENTS / "shimtool"
    (documents / "SOURCES").write_text(sources(read(root, lists, __version__), _offer()))
    parts = read(root, lists, __version__)
    (documents / "sbom.cdx.json").write_text(_sbom(root, parts, revision, when))
    labels = {
        "VERSION": __version__,
        "REVISION": revision,
        "CREATED": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SHIMS": shims_label(catalogue.load(root / ASSETS / "shims")),
        "LICENCES": " AND ".join(sorted({one for part in parts for one in part.licences})),
    }
    for name, value in labels.items():
        print(f"{name}={shlex.quote(value)}")


def _offer() -> str | None:
    return os.environ.get("OFFER") or None


def shims_label(shims: tuple[Shim, ...]) -> str:
    """Name the shims, and the modes for which one is the default: "4.10.4 (default: hvm pvh)"."""
    chosen = {
        mode: catalogue.choose(shims, None, mode)
        for mode in Mode
        if any(mode in shim.modes for shim in shims)
    }
    words = []
    for shim in shims:
        modes = " ".join(mode for mode, default in chosen.items() if default == shim)
        words.append(f"{shim.name} (default: {modes})" if modes else shim.name)
    return ", ".join(words)


def _component(root: Path, part: Part) -> Component:
    purl = _purl(part)
    origin = Property(name="shimtool:origin", value=part.source[0])
    return Component(
        name=part.name,
        version=part.version,
        type=TYPES.get(part.kind, ComponentType.LIBRARY),
        purl=purl,
        bom_ref=str(purl or f"{part.kind}:{part.sha256 or ''}"),
        hashes=_hashes(part.sha256) if part.sha256 else [],
        licenses=[_licence(part.licence)],
        properties=[origin] if part.kind == "shim" else [],
        external_references=[_source(part)] if purl else [],
        components=_files(root, part),
    )


def _purl(part: Part) -> PackageURL | None:
    if part.kind == "deb":
        return PackageURL("deb", "debian", part.name, part.version, {"distro": "debian-12"})
    if part.kind == "pypi":
        return PackageURL("pypi", None, part.name.lower(), part.version)
    return None


def _source(part: Part) -> ExternalReference:
    """Name the source package: the same one for several packages."""
    name, version = part.source
    purl = _purl(part)
    if part.kind == "deb":
        purl = PackageURL("deb", "debian", name, version, {"arch": "source"})
    kind = ExternalReferenceType.SOURCE_DISTRIBUTION
    return ExternalReference(type=kind, url=XsUri(str(purl)))


def _files(root: Path, part: Part) -> list[Component]:
    """The files as they are in the image: libraries have been stripped there."""
    return [
        Component(
            name=f"/{path}",
            type=ComponentType.FILE,
            bom_ref=f"file:/{path}",
            hashes=_hashes(hashlib.sha256((root / path).read_bytes()).hexdigest()),
        )
        for path in sorted(part.files)
    ]


def _hashes(digest: str) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=digest)]


def _licence(expression: str) -> License:
    """An SPDX identifier, or an expression of several."""
    if " " in expression or expression.startswith("LicenseRef-"):
        return LicenseExpression(expression)
    return DisjunctiveLicense(id=expression)


def _sbom(root: Path, parts: tuple[Part, ...], revision: str, when: datetime) -> str:
    ours, *others = parts
    product = _component(root, ours)
    product.properties = [Property(name="shimtool:revision", value=revision)]
    components = [_component(root, part) for part in others]
    bom = Bom(components=components, metadata=BomMetaData(component=product, timestamp=when))
    bom.register_dependency(product, components)
    content = repr([(each.bom_ref.value, revision) for each in components])
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, content)
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)


if __name__ == "__main__":
    main()
