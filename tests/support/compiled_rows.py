"""Run `python -m tests.support.compiled_rows`: write the JSON beside the package's YAML files."""

from shimtool.dom0 import releases
from shimtool.shims import kinds
from shimtool.system.staging import write_file
from shimtool.system.yaml_rows import compile_rows, compiled_file

FILES = (releases.FILE, kinds.FILE)

if __name__ == "__main__":
    for path in FILES:
        write_file(compiled_file(path), compile_rows(path), 0o644)
