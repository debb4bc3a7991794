"""The door for errors: exit codes, what is printed, --verbose, --debug, the log of a crash."""

import json

import pytest

from tests.support.cli import POWERLESS, run_script, shimtool_cli
from tests.support.dom0 import Dom0
from tests.support.told import lines


def test_a_fault_of_the_whole_run_is_json_where_asked_for(dom0: Dom0) -> None:
    dom0.guest()
    (dom0.out / "shimtool.yaml").write_text('{"shimtool": 1}')
    for command in ("scan", "plan", "convert", "status"):
        result = dom0.run(command, "--json")
        assert result.code == 1, result
        assert "error: " in result.err
        (reason,) = lines(json.loads(result.out)["errors"])
        assert "shimtool.yaml" in reason


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("map", ["/boot"], "give it as /HOST/DIR=/HERE/DIR"),
        ("map", "/boot=/boot", "not a value of this option"),
        ("xen", "four", "is not a Xen version"),
        ("mode", "vm", "is not auto, hvm or pvh"),
        ("host_out", "relative", "must be an absolute path"),
        ("shim_args", "", "must be one line of text"),
        ("pvgrub", "arm64", "not a value of this option"),
        ("in_place", "yes", "not a value of this option"),
        ("fancy", "yes", "knows no such option"),
    ],
)
def test_a_bad_option_in_the_report_is_one_guests_fault(
    dom0: Dom0, field: str, value: object, why: str
) -> None:
    dom0.guest("good")
    dom0.guest("odd")
    assert dom0.run("convert").code == 0
    report = dom0.out / "shimtool.yaml"
    document = json.loads(report.read_text())
    next(each for each in document["guests"] if each["name"] == "odd")["options"][field] = value
    report.write_text(json.dumps(document))
    result = dom0.run("status", "--json")
    assert (result.code, result.err) == (1, "")
    states = {each["name"]: lines(each["reasons"]) for each in json.loads(result.out)}
    assert states["good"] == []
    (reason,) = states["odd"]
    assert f"{report}: " in reason
    assert f"options.{field}: " in reason
    assert why in reason
    assert dom0.run("convert", "--force").code == 0
    assert dom0.run("status").code == 0


# A fault in shimtool itself that only the guest "odd" meets, of the kind that is its name.
CRASH = """
import sys
import shimtool.plan.plan
from shimtool.cli.main import main
real = shimtool.plan.plan.disks.warnings
class Panic(BaseException):
    "What a library in Rust raises, as pyo3 has it"
def nested():
    return [nested()]
def no_such_key():
    raise KeyError("no such thing\\x1b")
def value():
    raise ValueError("bad" * 1000)
def panic():
    raise Panic("index out of bounds")
def memory():
    kept = [bytearray(1 << 20)]
    bytearray(1 << 60)
def leave():
    sys.exit(5)
def broken(guest, mode):
    if guest.name == "odd":
        globals()[KIND]()
    return real(guest, mode)
shimtool.plan.plan.disks.warnings = broken
KIND = sys.argv.pop(1)
main()
"""
KINDS = {
    "no_such_key": "KeyError", "value": "ValueError", "nested": "RecursionError",
    "memory": "MemoryError", "panic": "Panic", "leave": "SystemExit",
}  # fmt: skip


def crashing(
    dom0: Dom0, command: str, *words: str, kind: str = "no_such_key"
) -> tuple[int, str, str]:
    """Run with a fault in shimtool itself that only the guest "odd" meets."""
    path = dom0.root / "crash.py"
    path.write_text(CRASH)
    result = run_script(path, kind, *dom0.words(command, *words))
    return result.code, result.out, result.err


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_on_one_guest_is_its_refusal_and_has_a_log(
    dom0: Dom0, kind: str, jobs: str
) -> None:
    for name in ("good", "odd", "zeal"):
        dom0.guest(name)
    code, out, err = crashing(dom0, "convert", "--jobs", jobs, kind=kind)
    assert code == 3, err
    for name in ("good", "zeal"):
        assert f"{name}: converted" in out
        assert (dom0.out / f"{name}.iso").exists()
    assert not (dom0.out / "odd.iso").exists()
    assert f"odd.cfg: shimtool itself failed on this guest: {KINDS[kind]}" in err
    assert "Traceback" not in err
    assert "\x1b" not in err
    assert len(err) < 2000
    (log,) = dom0.out.glob("shimtool-error-*.log")
    assert str(log) in err
    assert "Traceback" in (content := log.read_text())
    assert KINDS[kind] in content
    assert log.stat().st_mode & 0o777 == 0o600
    recorded = json.loads((dom0.out / "shimtool.yaml").read_text())["guests"]
    assert [each["name"] for each in recorded] == ["good", "zeal"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", ["scan", "plan", "status"])
def test_a_crash_is_one_guests_whatever_the_command(dom0: Dom0, command: str, kind: str) -> None:
    for name in ("good", "odd", "zeal"):
        dom0.guest(name)
    assert dom0.run("convert").code == 0
    dom0.guest("odd", "vcpus = 2\n")  # else status need not plan it
    code, out, err = crashing(dom0, command, kind=kind)
    assert code == 3, err
    assert "good" in out and "zeal" in out
    assert f"shimtool itself failed on this guest: {KINDS[kind]}" in out + err
    (log,) = dom0.out.glob("shimtool-error-*.log")
    assert str(log) in err
    assert KINDS[kind] in log.read_text()


def test_a_crash_in_json(dom0: Dom0) -> None:
    dom0.guest("good")
    dom0.guest("odd")
    code, out, _err = crashing(dom0, "plan", "--json")
    assert code == 3
    documents = json.JSONDecoder()
    guests, end = documents.raw_decode(out)
    assert [each["status"] for each in guests] == ["planned", "refused"]
    assert out[end:].strip() == ""


def test_debug_shows_the_traceback(dom0: Dom0) -> None:
    dom0.guest("odd")
    _code, _out, err = crashing(dom0, "plan", "--debug")
    assert "Traceback" in err
    dom0.config("bad.cfg", "name =\n")
    assert "Traceback" in dom0.run("scan", "--debug", "--in", dom0.root / "nowhere").err


@pytest.mark.parametrize("words", [("-v", "convert"), ("convert", "--verbose")])
def test_verbose_shows_what_is_read_and_written(dom0: Dom0, words: tuple[str, ...]) -> None:
    config = dom0.guest("web01")
    result = shimtool_cli(
        *words, "--in", dom0.configs, "--map", f"/boot={dom0.boot}", "--out", dom0.out
    )
    lines = result.err.splitlines()
    assert result.code == 0
    assert f"read: {config}" in lines
    assert f"read: {dom0.boot / 'vmlinuz-guest'}" in lines
    assert f"write: {dom0.out / 'web01.iso'}" in lines
    assert lines.count(f"write: {dom0.out / 'web01.iso'}") == 1


def test_verbose_says_it_safely(dom0: Dom0) -> None:
    dom0.guest("web01")
    (dom0.configs / "web01.cfg").rename(dom0.configs / "web\x1b[2J.cfg")
    result = dom0.run("scan", "-v")
    assert "\x1b" not in result.err
    assert "read: " in result.err


def test_nowhere_to_log(dom0: Dom0, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder to write to, a run with --debug is what tells."""
    dom0.guest("odd")
    path = dom0.configs / "crash.py"
    path.write_text(CRASH)
    monkeypatch.setenv("TMPDIR", str(dom0.out))
    monkeypatch.chdir("/proc")  # tempfile's last choice is the folder it is in
    dom0.out.chmod(0o500)
    result = run_script(path, "no_such_key", *dom0.words("plan"), through=POWERLESS)
    dom0.out.chmod(0o700)
    assert result.code == 3, result
    assert "KeyError" in result.err
    assert not list(dom0.out.glob("*.log"))
