"""Say what is inside the image: an SBOM (CycloneDX) among its files, labels on standard output.

`make_sbom.py ROOT REVISION`, with the time in SOURCE_DATE_EPOCH; make-context runs it when ROOT
holds all else. Same files, same bytes.
"""

import os
import shlex
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from shimtool import __version__
from shimtool.model import Mode, Shim
from shimtool.shims import catalogue

LIBRARIES = "usr/lib/python3/dist-packages"
DOCUMENTS = "usr/share/doc/shimtool"


def main() -> None:
    """Write the SBOM, print the labels as shell assignments."""
    root, revision = Path(sys.argv[1]), sys.argv[2]
    when = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    shims = catalogue.load(root / LIBRARIES / "shimtool/assets/shims")
    components = [*_packages(root), *_libraries(root), *map(_shim, shims)]
    (root / DOCUMENTS / "sbom.cdx.json").write_text(_sbom(components, revision, when))
    labels = {
        "VERSION": __version__,
        "REVISION": revision,
        "CREATED": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SHIMS": shims_label(shims),
    }
    for name, value in labels.items():
        print(f"{name}={shlex.quote(value)}")


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


def _packages(root: Path) -> Iterator[Component]:
    """The Debian packages whose files, or parts of them, are inside."""
    for line in (root / DOCUMENTS / "packages.txt").read_text().splitlines():
        name, version = line.split()
        purl = PackageURL("deb", "debian", name, version, {"distro": "debian-12"})
        yield Component(name=name, version=version, purl=purl, bom_ref=str(purl))


def _libraries(root: Path) -> Iterator[Component]:
    for found in sorted(distributions(path=[str(root / LIBRARIES)]), key=lambda each: each.name):
        purl = PackageURL("pypi", None, found.name.lower(), found.version)
        licence = _licence(found)
        yield Component(
            name=found.name,
            version=found.version,
            purl=purl,
            bom_ref=str(purl),
            licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
        )


def _licence(found: Distribution) -> str | None:
    """Take a library's own word; where there is none, its licence file is in the image."""
    metadata = found.metadata
    classes = [word for word in metadata.get_all("Classifier") or [] if "License ::" in word]
    last = classes[0].rpartition(" :: ")[2] if classes else None
    said = [metadata[key] for key in ("License-Expression", "License") if key in metadata]
    return next(filter(None, said), last)


def _shim(shim: Shim) -> Component:
    return Component(
        name=f"xen-shim {shim.name}",
        version=shim.version,
        type=ComponentType.FIRMWARE,
        bom_ref=f"shim:{shim.sha256}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=shim.sha256)],
        licenses=[LicenseFactory().make_from_string("GPL-2.0-only")],
        properties=[Property(name="shimtool:origin", value=shim.origin)],
    )


def _sbom(components: list[Component], revision: str, when: datetime) -> str:
    product = Component(
        name="shimtool",
        version=__version__,
        type=ComponentType.CONTAINER,
        bom_ref="shimtool",
        licenses=[LicenseFactory().make_from_string("MIT")],
        properties=[Property(name="shimtool:revision", value=revision)],
    )
    bom = Bom(components=components, metadata=BomMetaData(component=product, timestamp=when))
    bom.register_dependency(product, components)
    content = repr([(each.bom_ref.value, revision) for each in components])
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, content)
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)


if __name__ == "__main__":
    main()
