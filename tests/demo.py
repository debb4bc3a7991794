"""`make demo`: the main job on real input, step by step, as an admin would do it.

Real xl configs, Debian's PV kernel and ramdisks, the shim and boot loader of Debian's packages.
"""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.debs import ROOT
from tests.support.samples import REFUSED, write_samples

FOLDER = ROOT / "build" / "demo"


def step(title: str, *words: str | Path) -> int:
    """Show a command, run it for real, return its exit code."""
    print(f"\n=== {title}\n$ shimtool {shlex.join(map(str, words))}", flush=True)
    return subprocess.run([sys.executable, "-m", "shimtool", *words], check=False).returncode


def demo() -> list[str]:
    """Run all steps; return what did not go as it should."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    write_samples(FOLDER)
    out = FOLDER / "out"
    read = ("--in", FOLDER / "etc-xen", "--map", f"/boot={FOLDER / 'boot'}", "--out", out)
    print(f"Sample guests: {FOLDER / 'etc-xen'}, their dom0's /boot: {FOLDER / 'boot'}")
    codes = {
        "scan": step("What is here?", "scan", *read),
        "plan": step(
            "What would be done to one of them?", "plan", *read, FOLDER / "etc-xen/db01.cfg"
        ),
        "convert": step("Do it, for all", "convert", *read),
    }
    made = sorted(out.glob("*.cfg"))
    codes["verify"] = step("Is what was written whole?", "verify", "--out", out, *made)
    print(f"\n=== What was written to {out}", flush=True)
    subprocess.run(["ls", "-l", out], check=True)
    # Two guests must be refused, and said so, without stopping the others.
    expected = {"scan": 0, "plan": 0, "convert": 1, "verify": 0}
    wrong = [f"{name} exited {codes[name]}" for name in codes if codes[name] != expected[name]]
    wrong += [f"{name} was converted" for name in REFUSED if (out / f"{name}.iso").exists()]
    return wrong if made else [*wrong, "nothing was written"]


if __name__ == "__main__":
    if problems := demo():
        sys.exit(f"demo failed: {', '.join(problems)}")
    print(f"\nDone: {', '.join(REFUSED)} had to be refused, the others are ready to boot.")
