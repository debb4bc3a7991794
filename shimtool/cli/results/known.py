"""What is known of shims and hosts."""

from shimtool.cli.results.documents import HostFacts, ShimFacts
from shimtool.dom0 import facts
from shimtool.dom0.detect import version_name
from shimtool.dom0.paths import SearchPaths
from shimtool.dom0.releases import Fact
from shimtool.model import Host, Mode, Shim
from shimtool.shims.kinds import kind_of, kinds, versions_for, works_in


def shim(each: Shim) -> ShimFacts:
    """Return one shim of `shims list --json`."""
    known = kind_of(each)
    return {
        "name": each.name,
        "version": each.version,
        "kind": each.kind,
        "modes": sorted(each.modes),
        "size": each.size,
        "sha256": each.sha256,
        "build-id": each.build_id,
        "origin": each.origin,
        "file": str(each.file),
        "hosts": known.hosts,
        "hosts-source": known.hosts_source,
        "arguments": known.arguments,
        "caveats": list(known.caveats),
    }


def host(known: Host, mode: Mode, paths: SearchPaths) -> HostFacts:
    """Return what `host --json` says."""
    return {
        "xen": None if known.xen is None else version_name(known),
        "source": known.source,
        "hvm": known.hvm,
        "mode": mode,
        "profile": facts.release_name(known),
        "has": {fact: facts.has(known, fact) for fact in Fact},
        "has-sources": facts.sources(known),
        "shims": {
            kind: {
                "modes": list(works_in(kind, known)),
                "versions": list(versions_for(kind, known)) or None,
                "hosts": each.hosts,
            }
            for kind, each in kinds().items()
        },
        "maps": [{"host": str(host_path), "here": str(here)} for host_path, here in paths.maps],
        "kernels": [str(folder) for folder in paths.kernels],
    }
