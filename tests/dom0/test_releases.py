"""What each Xen release understands: the data is sound, and is read strictly."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from shimtool.dom0.detect import parse_version
from shimtool.dom0.facts import has, release_name, too_old
from shimtool.dom0.releases import (
    FILE,
    MEANS,
    Fact,
    edges,
    of_branch,
    read_releases,
    release_of,
    releases,
)
from shimtool.errors import ShimtoolError
from shimtool.model import Host


def known(text: str) -> Host:
    return Host(parse_version(text))


def keys(text: str) -> frozenset[str]:
    return release_of(parse_version(text)).keys


def test_every_branch_from_4_4_to_4_21_is_described() -> None:
    assert {profile.first[:2] for profile in releases()} == {(4, n) for n in range(4, 22)}
    assert all(set(profile.facts) == set(Fact) == set(MEANS) for profile in releases())
    assert all(fact.source for profile in releases() for fact in profile.facts.values())


def test_keys_come_and_go_with_releases() -> None:
    assert "cmdline" not in keys("4.4.4")
    assert "cmdline" in keys("4.5")
    assert "pvh" in keys("4.8.5")
    assert "pvh" not in keys("4.9")
    assert "type" not in keys("4.9.4")
    assert {"type", "firmware"} <= keys("4.10.0")
    assert "pvshim" not in keys("4.10.0")
    assert "pvshim" not in keys("4.10")
    assert {"pvshim", "pvshim_path", "pvshim_cmdline"} <= keys("4.10.1") & keys("4.21.1")
    assert all("device_model_args_hvm" in profile.keys for profile in releases())


@pytest.mark.parametrize(
    ("fact", "without", "unclear", "first"),
    [
        (Fact.TYPE_KEY, "4.9.4", None, "4.10.0"),
        (Fact.APPEND, "4.13.4", None, "4.14"),
        (Fact.PVH, "4.9.4", None, "4.10.0"),
        (Fact.PVSHIM, "4.10.0", "4.10", "4.10.1"),
        (Fact.EXACT_CPUS, "4.7.6", None, "4.8"),
        (Fact.UPCALL_FIX, "4.8.2", "4.8", "4.8.3"),
        (Fact.UPCALL_FIX, "4.7.4", "4.7", "4.7.5"),
        (Fact.XPTI, "4.9.1", "4.9", "4.9.2"),
    ],
)
def test_where_a_fact_begins(fact: Fact, without: str, unclear: str | None, first: str) -> None:
    assert has(known(without), fact) is False
    assert has(known(first), fact) is True
    assert unclear is None or has(known(unclear), fact) is None
    assert has(Host(), fact) is None


def test_what_was_not_looked_at() -> None:
    assert edges() == ((4, 4), (4, 21))
    assert too_old(known("4.3.4"))
    assert not too_old(known("4.4"))
    assert "newer Xen" in release_name(known("4.22.0"))
    assert has(known("5.0"), Fact.PVSHIM) is True
    assert len(of_branch(parse_version("4.9"))) == 2
    assert len(of_branch(parse_version("4.9.7"))) == 1


def test_profiles_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    rows = yaml.safe_load(FILE.read_text())
    file = tmp_path / "releases.yaml"

    def refused(changed: list[object], reason: str) -> None:
        file.write_text(yaml.safe_dump(changed))
        with pytest.raises(ShimtoolError, match=reason):
            read_releases(file)

    refused([{**rows[0], "facts": {}}], "nothing is said of append")
    refused([rows[0], rows[2], rows[1]], "not newer")
    refused([rows[0], {**rows[1], "adds": ["vcpus"]}], "added twice.*vcpus")
    refused([rows[0], {**rows[1], "drops": ["nope"]}], "never there: nope")
    refused([{**rows[0], "xen": 4.4}], "xen: must")
    refused([{**rows[0], "facts": {"magic": {"is": True, "source": "x"}}}], "facts: must")
    refused([{**rows[0], "facts": {"xpti": True}}], "facts: must")
    refused([{**rows[0], "facts": {"xpti": {"is": True}}}], "facts: must")


def test_the_data_is_read_only_when_needed() -> None:
    code = (
        "import shimtool.cli.app, shimtool.dom0.releases as p;"
        " print(p.releases.cache_info().misses)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
