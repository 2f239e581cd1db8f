"""`momentum-kit sim` as other people start it."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from momentum_kit.cli import main
from momentum_kit.simgateway.embedding import SWITCHES

COMMAND = [sys.executable, "-m", "momentum_kit.cli", "sim", "--port", "0", "--scenario", "single"]


@contextmanager
def serving(*arguments: str, **streams: Any) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, once it listens."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, **streams)
    assert process.stdout
    try:
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait(60)
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    """Exit status 0, nothing on stderr in a pipe, and the truth is written."""
    truth = tmp_path / "truth.json"
    with serving("--truth", str(truth), stderr=subprocess.PIPE) as process:
        process.send_signal(number)
        assert process.wait(60) == 0
        assert process.stderr
        assert process.stderr.read() == ""
        process.stderr.close()
    assert json.loads(truth.read_text())["faults"] == []


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """A run killed from outside, which could clean nothing up, leaves no gateway behind."""
    holder = f"""
from momentum_kit.runtime.sim.serving import gateway_process
from pathlib import Path
with gateway_process(["--port", "0", "--scenario", "single"], Path({str(tmp_path / "err")!r})) as port:
    print(port, flush=True)
    input()
"""
    piped = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", holder], stdin=piped, stdout=piped, text=True) as process:
        assert process.stdout
        assert int(process.stdout.readline())
        (gateway,) = psutil.Process(process.pid).children()
        assert gateway.is_running()
        process.kill()
        gone, _ = psutil.wait_procs([gateway], timeout=60)
    assert gone == [gateway]


def test_a_terminal_shows_one_live_line() -> None:
    """Clients, market time and orders, redrawn in place."""
    ours, theirs = pty.openpty()
    try:
        with serving(stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "120"}) as process:
            os.close(theirs)
            seen = b""
            while b"orders 0 of 0" not in seen:
                seen += os.read(ours, 4096)
            assert b"New York" in seen
            assert b"clients none" in seen
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    finally:
        os.close(ours)


def test_open_questions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """--assumptions names every switch with its alternatives, tags and sources; the default has a star."""
    assert main(["sim", "--assumptions"]) == 0
    text = capsys.readouterr().out
    for switch in SWITCHES:
        assert f"{switch.name}: {switch.question}" in text
        for each in switch.alternatives:
            assert f"{each.name}  {each.basis.upper()}  {each.source}" in text
    assert text.count("  * ") == len(SWITCHES)
    assert main(["sim", "--assumptions", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["assumptions"]) == len(SWITCHES)


@pytest.mark.parametrize("answer", ["first_status", "frst_status=held", "first_status=hold"])
def test_a_wrong_answer_is_one_line(answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An assumption that is malformed or unknown is refused before anything listens: status 2."""
    assert main(["sim", "--port", "0", "--assume", answer]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "status" in line
