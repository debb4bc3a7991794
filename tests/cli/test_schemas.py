"""What each command prints with --json is valid by the schema that is shipped for it."""

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shimtool.cli.results.documents import DOCUMENTS
from tests.support.cli import Result, shimtool_cli
from tests.support.dom0 import Dom0
from tests.support.schemas import schema_of

SCHEMAS = Path(str(files("shimtool.cli"))) / "schemas"


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(_closed(schema))


def _closed(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """The same without leave for further fields, which later versions may have."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(each) for key, each in schema.items()}
    return {**closed, "additionalProperties": False} if "required" in schema else closed


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schemas_are_those_of_the_types(name: str, golden: Callable[[Path, bytes], None]) -> None:
    schema = schema_of(f"shimtool {name.replace('shims-', 'shims ')} --json", DOCUMENTS[name])
    golden(SCHEMAS / f"{name}.json", json.dumps(schema, indent=1).encode() + b"\n")
    validator(name)


def test_no_schema_is_left_over() -> None:
    assert {path.stem for path in SCHEMAS.iterdir()} == {*DOCUMENTS}


def valid(name: str, result: Result, code: int = 0) -> Any:  # noqa: ANN401 - JSON
    assert result.code == code, result
    document = json.loads(result.out)
    validator(name).validate(document)
    return document


@pytest.fixture
def guests(dom0: Dom0) -> Dom0:
    """One guest that can be converted, and one that is refused for several reasons."""
    dom0.guest("good")
    text = "name = 'odd'\nkernel = '/boot/none'\npci = ['01:00.0']\nvcpus = 500\n"
    dom0.config("odd.cfg", text)
    dom0.config("broken.cfg", "name = \n")
    dom0.config("vmware.cfg", 'config.version = "8"\nRemoteDisplay.vnc = 1\n')
    return dom0


def test_scan_and_plan(guests: Dom0) -> None:
    for name, code in (("scan", 0), ("plan", 1)):
        found = {
            each["config"].rpartition("/")[2]: each
            for each in valid(name, guests.run(name, "--json"), code)
        }
        assert found["good.cfg"]["convertible"] is True
        codes = {name: [why["code"] for why in each["reasons"]] for name, each in found.items()}
        assert codes == {
            "good.cfg": [],
            "odd.cfg": ["unsupported", "size", "file-missing"],
            "broken.cfg": ["config"],
            "vmware.cfg": ["not-a-config"],
        }


def test_convert_status_verify_and_restore(guests: Dom0) -> None:
    done = valid("convert", guests.run("convert", "--json"), 1)
    (good,) = (each for each in done if each["status"] == "converted")
    assert {"key": "type", "value": "hvm"} in good["changes"] or good["mode"] == "pvh"
    assert {each["code"] for each in good["warnings"]} == {"kernel-upgrade"}
    valid("status", guests.run("status", "--json"))
    outputs = [
        str(guests.out / each) for each in good["outputs"] if each.endswith((".iso", ".cfg"))
    ]
    assert [each["ok"] for each in valid("verify", guests.run("verify", "--json", *outputs))] == [
        True for _ in outputs
    ]
    (guests.configs / "good.cfg").write_text("name = 'good'\n")
    (stale,) = valid("status", guests.run("status", "--json"), 1)
    assert {each["code"] for each in stale["reasons"]} == {"nothing-to-boot"}
    Path(outputs[0]).write_bytes(b"x")
    (bad,) = valid("verify", guests.run("verify", "--json", outputs[0]), 1)
    assert bad["reasons"]
    (refused,) = valid(
        "restore", guests.run("restore", "--json", str(guests.configs / "odd.cfg")), 1
    )
    assert refused["status"] == "refused"


def test_boot_test(tmp_path: Path) -> None:
    (tmp_path / "x.iso").write_bytes(b"no ISO")
    (found,) = valid("boot-test", shimtool_cli("boot-test", "--json", tmp_path / "x.iso"), 1)
    assert found["ok"] is False


def test_host(dom0: Dom0) -> None:
    unknown = valid("host", dom0.run("host", "--json"))
    known = valid("host", dom0.run("host", "--json", "--xen", "4.17.7"))
    assert known["xen"] == "4.17.7"
    assert known["has"]["pvshim"] is True
    assert {type(each) for each in (*unknown["has"].values(), unknown["hvm"])} <= {bool, type(None)}


def test_shims(dom0: Dom0) -> None:
    first, *_others = valid("shims-list", dom0.run("shims", "list", "--json"))
    assert valid("shims-show", dom0.run("shims", "show", first["name"], "--json")) == first


def test_errors(dom0: Dom0) -> None:
    dom0.guest()
    (dom0.out / "shimtool.yaml").write_text('{"shimtool": 1}')
    for command in ("scan", "plan", "convert", "status"):
        document = valid("errors", dom0.run(command, "--json"), 1)
        assert document["errors"][0]["file"].endswith("shimtool.yaml")
