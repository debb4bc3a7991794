"""The first step in a container of the launcher's: dom0's tree becomes the root.

The launcher gives the container dom0's whole tree at /dom0, read-only, and over that, writable, the
folders that are written to. This changes the root to /dom0, so that every path and every link there
is dom0's own, and starts shimtool by the image's own loader, Python and libraries. These are
reached through a descriptor of the image's root: nothing of dom0 is ever mounted over them, and
nothing of dom0's own Python is run.

The chroot is a view, not a wall: the container is the wall. It has a gap: docker before 25, docker
on Linux before 5.12, and podman make / read-only, but not what is mounted below it (/proc, /run, a
/boot or /var of its own). There shimtool could write as root, and nothing but its code prevents it.

    python3.11 -m shimtool.enter_dom0 FOLDER WORD...

FOLDER is where the launcher was called; the words are shimtool.launched's.
"""

import os
import sys
from pathlib import Path

_DOM0 = "/dom0"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
# The file itself: what is usually started is an absolute link, which would lead to dom0's.
_LOADER = f"{_LIBRARIES}/ld-linux-x86-64.so.2"
_PYTHON = "usr/bin/python3.11"
_PASSED_ON = ("TERM", "NO_COLOR", "SHIMTOOL_DISKS")


def main() -> None:
    """Change the root, and go on as shimtool.launched; end with a message where that fails."""
    folder, *words = sys.argv[1:]
    image = os.open("/", os.O_PATH | os.O_DIRECTORY)
    os.set_inheritable(image, True)
    root = f"/proc/self/fd/{image}"
    try:
        os.chroot(_DOM0)
        os.chdir("/")
        if not Path(root, _LOADER).exists():
            sys.exit("shimtool: dom0's /proc is not mounted")
        os.chdir(folder)
        os.execve(f"{root}/{_LOADER}", [*_program(root), *words], _environment(root))  # noqa: S606 - no shell
    except OSError as error:
        sys.exit(f"shimtool: cannot work in dom0's {error.filename or folder}: {error.strerror}")


def _program(root: str) -> list[str]:
    """Return how the image's Python is started from `root`; the launcher repeats it."""
    loader = [f"{root}/{_LOADER}", "--inhibit-cache", "--library-path", f"{root}/{_LIBRARIES}"]
    return [*loader, f"{root}/{_PYTHON}", "-I", "-B", "-m", "shimtool.launched"]


def _environment(root: str) -> dict[str, str]:
    """Return an environment in which no settings of dom0's libraries are read."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        "LANG": "C.UTF-8",
        "LOCPATH": f"{root}/usr/lib/locale",
        "OPENSSL_CONF": "/dev/null",
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        **passed_on,
    }


if __name__ == "__main__":
    main()
