"""A process gives up all that computing does not need; for the child that system/jail.py forks.

| what is taken away        | by                                                                   |
|---------------------------|----------------------------------------------------------------------|
| opening files, sockets    | RLIMIT_NOFILE: as many as are open. Everywhere                       |
| memory, time, writing     | RLIMIT_AS, _CPU, _FSIZE, _CORE. Everywhere (without /proc memory is  |
|                           | counted from 1 GiB on, as what is mapped is not known)               |
| new processes             | RLIMIT_NPROC, where the user is not root                             |
| root's rights             | no capabilities; user and group 65534 if it is root with CAP_SETUID  |
| new rights, being traced  | PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE. Linux 3.5 on                   |
| network, mounts, IPC      | namespaces, where it has CAP_SYS_ADMIN (root, not in most containers)|
| names of files            | chroot, where it has CAP_SYS_CHROOT and /proc is mounted             |
| every other system call   | seccomp: EPERM for what is not listed below. x86_64, Linux 3.5 on    |

A wall that this system refuses (an old kernel, a container's own rules) is left out, and the others
stand without it; `shimtool --verbose` says which. Without seccomp a child of an unprivileged user
could still send signals to that user's processes, and make and remove names in that user's folders.
"""

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from pathlib import Path

_NOBODY = 65534
_MAPPED_UNKNOWN = 1 << 30  # bytes; more than a process of ours with many threads has mapped
# include/uapi/linux/sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWPID (for children), NEWNET
_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x40000000)
# include/uapi/linux/prctl.h
_PDEATHSIG, _DUMPABLE, _SECCOMP, _NO_NEW_PRIVS = 1, 4, 22, 38

_CAPABILITY_VERSION = 0x20080522  # include/uapi/linux/capability.h, version 3

# System calls of x86_64 (arch/x86/entry/syscalls/syscall_64.tbl) that Python needs to compute,
# to read and write what is open, and to end.
_ALLOWED = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10,
    "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
    "pread64": 17, "sched_yield": 24, "mremap": 25, "madvise": 28, "exit": 60, "getrusage": 98,
    "sigaltstack": 131, "futex": 202, "restart_syscall": 219, "clock_gettime": 228,
    "exit_group": 231, "getrandom": 318,
}  # fmt: skip
_ARCHITECTURE = 0xC000003E  # AUDIT_ARCH_X86_64
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h, with BPF_W, BPF_ABS, BPF_K
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EPERM

_LIBC = ctypes.CDLL(None, use_errno=True)


def confine(*, memory: int, cpu_seconds: int, descriptors: int, parent: int) -> list[str]:
    """Give it all up, for good, as far as this system lets it; return what it did not.

    Left are `memory` bytes more than are mapped now, `cpu_seconds` (then SIGXCPU), and the
    descriptors below `descriptors`. The process dies with the thread that forked it (not where
    that is root without CAP_KILL, as Linux asks for the right to signal); if `parent`, its process,
    is gone already, at once.
    """
    mapped = _mapped()
    refused = [each for each in _NAMESPACES if _LIBC.unshare(each)]
    walls = {"namespaces": not refused}
    walls["chroot"] = _leave_tree()
    walls["another user than root"] = _drop_root()
    walls["no new privileges"] = _prctl(_NO_NEW_PRIVS, 1)
    _prctl(_DUMPABLE, 0)
    _prctl(_PDEATHSIG, signal.SIGKILL)  # (a change of the user clears it)
    if os.getppid() != parent:
        os._exit(1)
    _limit(resource.RLIMIT_NOFILE, descriptors)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)
    _limit(resource.RLIMIT_AS, mapped + memory)
    walls["seccomp"] = platform.machine() == "x86_64" and sys.maxsize > 1 << 32 and _filter_calls()
    return [name for name, stands in walls.items() if not stands]


def _mapped() -> int:
    """Return how many bytes of address space are in use."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return _MAPPED_UNKNOWN


def _leave_tree() -> bool:
    """See no names of files; whether that holds."""
    try:
        os.chroot("/proc/self/fdinfo")  # a folder of only this process: nothing can be made in it
        os.chdir("/")
    except OSError:
        return False
    return True


def _drop_root() -> bool:
    """Have no rights of root's; whether the user is another, too."""
    if not os.geteuid():
        with contextlib.suppress(OSError):
            os.setgroups([])
        with contextlib.suppress(OSError):
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        with contextlib.suppress(OSError):  # it alone matters most: no refusal above stops it
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    _LIBC.capset(struct.pack("<II", _CAPABILITY_VERSION, 0), bytes(24))
    return os.geteuid() != 0


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    """Set a limit, or the lower one that was set before."""
    most = resource.getrlimit(what)[1]
    wanted = [soft, soft if hard is None else hard]
    kept = [each if most == resource.RLIM_INFINITY else min(each, most) for each in wanted]
    resource.setrlimit(what, (kept[0], kept[1]))


def _prctl(option: int, value: int, pointer: ctypes.c_void_p | None = None) -> bool:
    return not _LIBC.prctl(option, ctypes.c_ulong(value), pointer or ctypes.c_ulong(0), 0, 0)


def _filter_calls() -> bool:
    """Install a filter (seccomp(2)): a program that looks at each call's architecture, number.

    Whether it holds.
    """

    def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("<HBBI", code, if_true, if_false, value)

    numbers = list(_ALLOWED.values())
    program = [
        instruction(_LOAD, 4),
        instruction(_JUMP_EQUAL, _ARCHITECTURE, 1),
        instruction(_RETURN, _REFUSE),
        instruction(_LOAD, 0),
        *(instruction(_JUMP_EQUAL, n, len(numbers) - at) for at, n in enumerate(numbers)),
        instruction(_RETURN, _REFUSE),
        instruction(_RETURN, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(program))
    described = struct.pack("<H6xQ", len(program), ctypes.addressof(code))
    buffer = ctypes.create_string_buffer(described)
    return _prctl(_SECCOMP, 2, ctypes.cast(buffer, ctypes.c_void_p))
