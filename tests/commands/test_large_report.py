"""A report of very many guests is read and written in little memory, whatever their kernels are."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from tests.support.dom0 import Dom0

GUESTS = 40_000  # over 70 MB of report
# kB: 55 MB, of which one of few guests takes 31, and 1 KB a guest. The report does not fit as well.
MEMORY = 55 * 1000 + GUESTS

# A process of its own tells its peak: a child's as the system counts it would include ours.
MEASURED = """\
import re, sys
from shimtool.cli.main import run
report = sys.argv.pop(1)
code = run()
peak = re.search("VmHWM:[^0-9]*([0-9]+) kB", open("/proc/self/status").read())[1]
with open(report, "w") as file:
    file.write(peak)
sys.exit(code)
"""


def run(dom0: Dom0, *words: str) -> str:
    peak = dom0.root / "peak"
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, peak, *map(str, dom0.words(*words))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(peak.read_text()) < MEMORY
    return done.stdout


def digest(of: str) -> str:
    return sha256(of.encode()).hexdigest()


def multiplied(report: Path) -> None:
    """Write a report of one guest anew, with many like it, each with a kernel of its own."""
    document = json.loads(report.read_text())
    (guest,), (facts,) = document["guests"], document["kernels"].values()
    files = [each | {"sha256": f"DIGEST{n}", "stamp": [1, n, n, n]}
             for n, each in enumerate(guest["inputs"])]  # fmt: skip
    other = json.dumps(guest | {"inputs": files}, indent=1).replace("web01", "NAME")
    with report.open("w") as file:
        file.write(f'{{"shimtool": "{document["shimtool"]}", "guests": [')
        for number in range(GUESTS):
            text = other.replace("NAME", f"other{number:05}")
            for place, each in enumerate(guest["inputs"]):
                mine = digest(f"{each['path']}{number}")
                text = text.replace(f"DIGEST{place}", mine)
            file.write(text.replace('"stamp": [\n    1,', f'"stamp": [\n    {number + 2},') + ",\n")
        file.write(json.dumps(guest, indent=1) + '], "kernels": ')
        json.dump({digest(f"{number}"): facts for number in range(GUESTS)}, file)
        file.write("}\n")


def test_a_report_of_very_many_guests(dom0: Dom0) -> None:
    config = dom0.guest("web01")
    assert dom0.run("convert").code == 0
    report = dom0.out / "shimtool.yaml"
    multiplied(report)
    assert report.stat().st_size > 64 << 20, "which the first version refused"
    config.write_text(config.read_text() + "vcpus = 2\n")
    assert "web01: converted" in run(dom0, "convert")
    written = report.read_bytes()
    assert "web01: unchanged" in run(dom0, "convert")
    assert report.read_bytes() == written
    assert "up to date" in run(dom0, "status", "web01")
    assert written.count(b'"fingerprint": ') == written.count(b'"wrapping": ') == GUESTS + 1
    assert written.rindex(b'"name": "web01"') > written.rindex(b'"name": "other')
