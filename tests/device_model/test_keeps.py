"""Whatever is not an emulated device reaches QEMU byte for byte, in its order."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.device_model.script_runner import HEAD, OUR_CD, TAIL, Outcome, run_dm, text

KEPT = [
    HEAD,
    TAIL,
    "-chardev socket,id=libxl-cmd,path=/var/run/xen/qmp-libxl-1,server=on,wait=off"
    " -mon chardev=libxl-cmd,mode=control",
    "-chardev socket,id=libxl-cmd,fd=19,server,nowait -S",  # 4.12: dm_restrict
    "-xen-domid-restrict -chroot /var/run/xen/qemu-root-7 -runas 65536:65536",
    "-run-with chroot=/var/run/xen/qemu-root-7 -run-with user=65536:65536",  # 4.20
    # 4.20 asks QEMU what it knows before it starts the guest
    "-S -no-user-config -nodefaults -nographic -machine none,accel=xen"
    " -chardev socket,id=libxl-cmd,fd=19,server=on,wait=off -mon chardev=libxl-cmd,mode=control",
    "-sandbox on,obsolete=deny -incoming fd:23",
    '-add-fd fd=23,set=1,opaque="saved_state" -incoming file:/dev/fdset/1',
    "-chardev pty,id=libxl-channel0 -chardev socket,id=libxl-channel1,path=/c,server=on,wait=off",
    "-serial pty -serial tcp::4000,server -boot order=d -smp 1,maxcpus=4 -no-acpi -cpu host",
    "-machine pc,accel=xen,suppress-vmdesc=on -device xen-platform",  # xen_platform_pci=0
    "-machine xenfv,max-ram-below-4g=3221225472,igd-passthru=on",
    "-device xen-pvdevice,device-id=0xc000 -device xen-disk,drive=x,vdev=xvda -daemonize",
    "-device virtio-rng-pci -device vfio-pci,host=01:00.0 -device isa-serial",
    "-global vga.vram_size_mb=8 -trace events=/e -D /l -d guest_errors -pidfile p",
    "-object iothread,id=colo-compare-iothread-1 -audiodev none,id=a",
    '-device {"driver":"xen-pvdevice","id":"x"} -object {"qom-type":"rng-random","id":"r"}',
    "-device {'driver':'virtio-rng-pci','x':{'drive':'d','a':['netdev','n']},'bus':'drive'}",
    '-device {"id":"e1000","bus":"drive=x","driver":"isa-serial"} -object secret,id=s,file=/s',
    "--version",
    "-net none -nic none -display none -vnc none -vga none -parallel none",
    "-an-option-of-tomorrow with-value /a/lone/word -drive=if=ide -usb= --device=e1000",
]


@pytest.mark.parametrize("options", KEPT)
def test_kept(shell: str, qemu: Path, options: str) -> None:
    words = options.split()
    assert text(run_dm(shell, words, qemu).arguments) == words


def test_a_call_for_information_is_left_alone(shell: str, qemu: Path) -> None:
    assert run_dm(shell, ["-help"], qemu) == Outcome(0, [b"-help"], "")
    assert run_dm(shell, [], qemu) == Outcome(0, [], "")


@pytest.mark.parametrize("name", ["-usb", "-drive", "--", "-", "", "-vnc", "-device", "-name"])
def test_a_guest_may_be_called_like_an_option(shell: str, qemu: Path, name: str) -> None:
    given = ["-name", name, "-append", name, "-usb", "-m", "512"]
    kept = ["-name", name, "-append", name, "-m", "512"]
    assert text(run_dm(shell, given, qemu).arguments) == kept


@pytest.mark.parametrize("last", ["-name", "-drive", "-device", "-vnc"])
def test_a_missing_value_is_for_qemu_to_report(shell: str, qemu: Path, last: str) -> None:
    assert text(run_dm(shell, ["-m", "512", last], qemu).arguments) == ["-m", "512", last]


@pytest.mark.parametrize(
    "name",
    [
        "a,,b",
        "two  blanks ",
        "'\"",
        "*",
        "/*/../?[a-z]",
        "new\nline\n",
        "-dash",
        "$(reboot)",
        "\\n\\",
    ],
)
def test_odd_file_names_of_our_cd(shell: str, qemu: Path, name: str) -> None:
    given = OUR_CD.replace("/x/web01.iso", "NAME").split()
    given = [word.replace("NAME", name) for word in given]
    outcome = run_dm(shell, [*given, "-drive", f"if=ide,file={name}"], qemu)
    assert text(outcome.arguments) == given


# --- any bytes at all ---------------------------------------------------------------------------

ANY = st.binary(max_size=30).map(lambda data: data.replace(b"\0", b""))
TAKING_ANYTHING = st.sampled_from([b"-name", b"-append", b"-kernel", b"--bios", b"-runas", b"-L"])
KEEP = st.one_of(
    st.tuples(TAKING_ANYTHING, ANY),
    st.tuples(ANY.filter(lambda word: not word.startswith(b"-"))),
    st.sampled_from(
        [(b"-no-shutdown",), (b"-unknown",), (b"-display", b"none"), (b"-net", b"none")]
    ),
)
DROP = st.one_of(
    st.sampled_from([(b"-usb",), (b"-vga", b"std"), (b"-device", b"e1000,netdev=net0")]),
    st.tuples(st.sampled_from([b"-hda", b"-cdrom", b"--drive", b"-netdev", b"-usbdevice"]), ANY),
)
PIECES = st.lists(
    st.one_of(KEEP.map(lambda p: (True, p)), DROP.map(lambda p: (False, p))), max_size=12
)
ALREADY_NONE = [b"-vnc", b"none", b"-display", b"none", b"-net", b"none"]
# the fixtures (a shell's name, a program) hold no state that an example could change
FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(pieces=PIECES)
@example(pieces=[(True, (b"-name", bytes(range(1, 256)))), (False, (b"-usb",))])
def test_any_bytes_survive_in_order(
    shell: str, qemu: Path, pieces: list[tuple[bool, tuple[bytes, ...]]]
) -> None:
    given_words = [word for _, piece in pieces for word in piece]
    kept_words = [word for kept, piece in pieces if kept for word in piece]
    for locale in ("C", "C.UTF-8"):
        environment = {"LC_ALL": locale}
        outcome = run_dm(shell, ALREADY_NONE + given_words, qemu, environment)
        assert outcome.arguments == ALREADY_NONE + kept_words


CD = b"if=none,id=shimtool-cd,media=cdrom,readonly=on,format=raw,file="


@FUZZ
@given(name=ANY.filter(bool), doubled=st.booleans())
@example(name=b",,,", doubled=True)
@example(name=b",", doubled=False)
@example(name=b"x,id=other", doubled=False)
def test_any_file_may_be_our_cd(shell: str, qemu: Path, name: bytes, doubled: bool) -> None:
    """Its commas are doubled, or it is not of ours."""
    value = CD + (name.replace(b",", b",,") if doubled else name)
    outcome = run_dm(shell, [b"-drive", value], qemu)
    kept = doubled or not name.replace(b",,", b"").count(b",")
    assert outcome.arguments == ([b"-drive", value] if kept else [])


@FUZZ
@given(name=ANY, before=st.sampled_from([b"file=", b"if=ide,index=0,file=", b"if=none,file="]))
@example(name=b"/srv/tenant/x,id=shimtool-cd", before=b"file=")
@example(name=b"/srv/tenant/x,if=none,id=shimtool-y", before=b"file=")
@example(name=b"/srv/" + CD + b"x", before=b"file=")
def test_a_tenants_path_is_never_ours(shell: str, qemu: Path, name: bytes, before: bytes) -> None:
    """libxl writes it as it is, between its own words."""
    for value in (before + name + b",format=raw", before + name):
        assert run_dm(shell, [b"-drive", value], qemu).arguments == []


# --- the list of options that take a value, held against the real QEMU ---


def options_of_qemu() -> set[str]:
    """Every option that QEMU's own help names."""
    help_text = subprocess.run(
        ["qemu-system-x86_64", "-help"], capture_output=True, check=True, text=True
    ).stdout
    lines = re.findall(r"^--?\w[^\s\[]*(?: or -\w+)?", help_text, re.MULTILINE)
    return {word for line in lines for word in re.findall(r"-\w[\w-]*", line.replace("--", "-"))}


def takes_value(option: str) -> bool:
    """Ask QEMU: it reads the whole line before it obeys -version."""
    done = subprocess.run(
        ["qemu-system-x86_64", "-version", option], capture_output=True, check=False, text=True
    )
    return "requires an argument" in done.stderr


def test_the_script_knows_which_options_take_a_value(qemu: Path) -> None:
    options = options_of_qemu()
    assert {"-fda", "-fdb", "-hdd", "-name", "-S", "-xen-domid", "-h", "-preconfig"} <= options
    for option in sorted(options):
        words = run_dm("dash", [option, "-name", "-usb"], qemu).arguments
        reads_name_as_its_value = b"-usb" not in words
        assert reads_name_as_its_value == takes_value(option), option
