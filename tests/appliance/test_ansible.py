"""The Ansible role: two dom0s, each with the launcher of `make dist` and nothing else of ours."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.appliance.conftest import Dist
from tests.support.cli import Result
from tests.support.debs import ROOT
from tests.support.dom0 import Dom0
from tests.support.samples import REFUSED, write_samples

pytestmark = pytest.mark.appliance

PLAYBOOK = ROOT / "container/ansible/convert.yml"
HOSTS = ("alpha", "beta")


class Fleet:
    """Dom0s as folders, all of them on this machine."""

    def __init__(self, root: Path, dist: Dist, cache: Path) -> None:
        self.root, self.cache = root, cache
        self.dom0s = {name: Dom0(root / name) for name in HOSTS}
        hosts = {name: self._host(name, dom0, dist) for name, dom0 in self.dom0s.items()}
        self.inventory = root / "hosts.json"
        self.inventory.write_text(json.dumps({"all": {"hosts": hosts}}))

    def _host(self, name: str, dom0: Dom0, dist: Dist) -> dict[str, object]:
        dom0.root.mkdir()
        write_samples(dom0.root)
        dom0.out.mkdir()
        environment = {"SHIMTOOL_ENGINE": "none", "SHIMTOOL_CACHE": str(self.cache)}
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": "/usr/bin/python3",
            "shimtool_dist": str(dist.folder),
            "shimtool_home": str(self.root / name / "opt"),
            "shimtool_configs": str(dom0.configs),
            "shimtool_out": str(dom0.out),
            "shimtool_options": ["--in-place", "--map", f"/boot={dom0.boot}"],
            "shimtool_reports": str(self.root / "reports.json"),
            "shimtool_environment": environment,
        }

    def play(self, *words: str) -> Result:
        done = subprocess.run(
            ["ansible-playbook", "-i", self.inventory, PLAYBOOK, "--forks", "1", *words],
            cwd=self.root,
            env={
                **os.environ,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_LOCAL_TEMP": str(self.root / "tmp"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def configs(self) -> dict[Path, bytes]:
        return {
            path: path.read_bytes()
            for dom0 in self.dom0s.values()
            for path in dom0.configs.glob("*.cfg")
        }

    def changed(self, result: Result) -> list[int]:
        assert result.code == 0, result.out + result.err
        recap = result.out.partition("PLAY RECAP")[2]
        return [int(word[8:]) for word in recap.split() if word.startswith("changed=")]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, dist: Dist, cache: Path) -> Fleet:
    return Fleet(tmp_path_factory.mktemp("fleet"), dist, cache)


def test_the_life_of_a_fleet(fleet: Fleet) -> None:
    before = fleet.configs()
    assert min(fleet.changed(fleet.play("--check"))) > 0
    assert fleet.configs() == before, "--check changes nothing"
    assert not any(list(dom0.out.iterdir()) for dom0 in fleet.dom0s.values())

    first = fleet.play()
    assert min(fleet.changed(first)) > 0
    assert REFUSED[0] in first.out, "who was refused is said"
    reports = json.loads((fleet.root / "reports.json").read_text())
    assert set(reports) == set(HOSTS)
    assert {guest["name"] for guest in reports["beta"]["guests"]} >= {"web01"}
    assert fleet.configs() != before

    assert fleet.changed(fleet.play()) == [0, 0], "a second run changes nothing"
    assert fleet.changed(fleet.play("--check")) == [0, 0]
    next(fleet.dom0s["beta"].boot.glob("vmlinuz-*")).open("ab").write(b"x")
    assert fleet.changed(fleet.play("--check")) == [0, 1], "--check sees a kernel upgrade"

    assert fleet.changed(fleet.play("-e", "shimtool_state=restored")) == [1, 1]
    assert fleet.configs() == before, "every byte is back"
    assert fleet.changed(fleet.play("-e", "shimtool_state=restored")) == [0, 0]


def test_an_unknown_state_is_refused(fleet: Fleet) -> None:
    result = fleet.play("-e", "shimtool_state=gone")
    assert result.code != 0
    assert "give converted or restored" in result.out
