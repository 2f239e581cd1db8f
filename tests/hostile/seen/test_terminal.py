"""A real terminal: what bytes reach it from the commands that look, whatever words a session heard."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import AlertSettings
from momentum_kit.external import make_alerts
from tests.hostile.corpus import TEXTS
from tests.hostile.outsider import environment_of, momentum_kit
from tests.hostile.told_sessions import FREE, SYMBOL, plant, session

HEARD = "".join(TEXTS)
ASKED = [
    ("log", "--run", "runs/today"),
    ("why", SYMBOL, "--run", "runs/today"),
    ("orders", "--run", "runs/today"),
    ("runs",),
    ("drift", "runs", "runs"),
    ("review",),
    ("review", "--trade", "1"),
    ("review", "--by", "catalyst"),
]
REFUSED = [
    ("why", "\x1b]0;owned\x07", "--run", "runs/today"),
    ("orders", "--run", "runs/\x1b[2Jgone"),
    ("runs", "\x1b[2Jgone"),
    ("review", "--trade", "\x1b[2J\u202e7"),
    ("review", "--by", "\x1b[2J"),
    ("drift", "\x1b[2J", "runs"),
    ("reconcile", "\x1b[2J", "--flex", "none.xml"),
    ("reconcile", "2026-11-17", "--flex", "\x1b[2J.xml"),
    ("sim", "--observed", "\x1b[2J.yaml"),
    ("parity", "\x1b[2J"),
    ("research", "tear-sheet", "--archive", "\x1b[2J"),
    ("data", "import", "csv", "\x1b[2J"),
    ("status", "--config", "\x1b[2J.yaml"),
    ("\x1b[2Jcommand",),
    ("review", "--\x1b[2Joption"),
]


@pytest.fixture
def told(project: Path) -> Path:
    """A project whose one session heard all of it, wherever words of others are kept."""
    folder = session(project / "runs" / "today", HEARD)
    plant(folder, HEARD.encode(errors="replace").decode(), [each for each in FREE if each != "symbol"])
    return project


def bytes_at_a_terminal(project: Path, *arguments: str) -> bytes:
    """What one command writes to a terminal of 80 columns, prompts and errors included."""
    ours, theirs = pty.openpty()
    environment = environment_of(project, {"TERM": "xterm-256color", "COLUMNS": "80"})
    with subprocess.Popen(
        [sys.executable, "-m", "momentum_kit.cli", *arguments], cwd=project, env=environment, stdin=theirs,
        stdout=theirs, stderr=theirs, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        found = b""
        while part := _read(ours):
            found += part
        process.wait(60)
    os.close(ours)
    return found


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so at a terminal's end
        return b""


@pytest.mark.parametrize("command", [ASKED[0], ASKED[1], ASKED[5]], ids=lambda command: command[0])
def test_no_byte_of_the_words_commands_a_terminal(command: tuple[str, ...], told: Path) -> None:
    """No escape and no control but the end of a line; every line is as long as its words."""
    shown = bytes_at_a_terminal(told, *command).decode()
    assert "Q3 EPS $0.21" in shown or "contract" in shown or "1 trade" in shown
    assert {char for char in shown if not char.isprintable()} <= {"\r", "\n"}
    assert shown.count("\r") == shown.count("\n")  # the terminal's own, one a line


@pytest.mark.parametrize("command", [*ASKED, *REFUSED], ids=range(len(ASKED) + len(REFUSED)))
def test_no_sign_of_the_words_is_printed(command: tuple[str, ...], told: Path) -> None:
    """By results and by refusals of what was typed, and nothing feigns a line of the log."""
    done = momentum_kit(told, *command)
    assert "Traceback" not in done.stderr
    assert {char for char in done.stdout + done.stderr if not char.isprintable()} <= {"\n"}
    if command[0] == "log":
        assert all(line[2] == ":" and line[5] == ":" for line in done.stdout.splitlines()), done.stdout


def test_a_running_sessions_words_are_shown_as_words() -> None:
    """`status`: state, reason, incidents, waits and symbols, a line each."""
    from dataclasses import replace

    from momentum_kit.models.session import PositionView
    from momentum_kit.notebook.record import status_words
    from momentum_kit.plain_text import plain_lines
    from tests.helpers.told_endpoint import AT, snapshot

    view = PositionView(symbol=HEARD, con_id=1, quantity=1, average_price=5.0, last_price=5.2, unrealised_usd=60.0,
                        stop_price=4.9, r=0.6, opened_at=AT)  # fmt: skip
    status = replace(snapshot(Path("run")), reason=HEARD, incidents=(HEARD,), positions=(view,), waits=(HEARD,))
    shown = plain_lines(status_words(status))
    assert all(char.isprintable() or char in "\n\t" for char in shown)


def test_alerts_that_go_to_the_log_are_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody has set an address, they are printed between a notebook's results."""
    alerts = make_alerts(AlertSettings(), "DU1", lambda: None)
    alerts.send("warning", HEARD)
    alerts.page("naked", HEARD)
    alerts.settle("naked", HEARD)
    alerts.close()
    told = "".join(capsys.readouterr())
    assert "Q3 EPS" in told
    assert {char for char in re.sub(r"\x1b\[\d*m", "", told) if not char.isprintable()} <= {"\n"}  # colours are ours
    assert told.count("\n") == 3


def test_an_incident_of_the_bridge_is_words(caplog: pytest.LogCaptureFixture) -> None:
    """As it is logged, and as who listens is told of it."""
    heard: list[str] = []
    bridge = IBKRBridge("127.0.0.1", 1, 1, on_incident=lambda _, text: heard.append(text))
    bridge._incident("broker", HEARD)
    (told,) = [record.getMessage() for record in caplog.records if "broker" in record.getMessage()]
    assert heard[0].isprintable()
    assert told.isprintable()
