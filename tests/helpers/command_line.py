"""The command line in the process of a test, for what is printed and done and not for the process as such."""

import os
import subprocess
import traceback
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from momentum_kit.cli import main


def call_main(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """One command in a folder and with nothing but this environment, as a process of its own would end."""
    # as an interpreter opens them: what no terminal can show fails on stdout and is escaped on stderr
    written = BytesIO(), BytesIO()
    out, err = TextIOWrapper(written[0], "utf-8"), TextIOWrapper(written[1], "utf-8", "backslashreplace")
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(err),
        Path(os.devnull).open() as nothing,
    ):
        patch.chdir(folder)
        patch.setattr("sys.stdin", nothing)
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            status = main(list(arguments))
        except Exception:  # noqa: BLE001  (told as the interpreter would: it is the test that looks for it)
            traceback.print_exc()
            status = 1
        out.flush()
        err.flush()
    said = [stream.getvalue().decode() for stream in written]
    return subprocess.CompletedProcess(arguments, status, *said)
