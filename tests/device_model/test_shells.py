"""The script is POSIX sh, and says so to those who know."""

import os
import subprocess

from tests.device_model.script_runner import SCRIPT, shell_command


def test_every_shell_can_read_it(shell: str) -> None:
    subprocess.run([*shell_command(shell), "-n", SCRIPT], check=True)


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run(
        # less two matters of taste: braces around every variable, *) in every case
        ["shellcheck", "--shell=sh", "--enable=all", "--exclude=SC2249,SC2250", SCRIPT],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_it_can_be_run() -> None:
    assert SCRIPT.read_bytes().startswith(b"#!/bin/sh\n")
    assert os.access(SCRIPT, os.X_OK)
