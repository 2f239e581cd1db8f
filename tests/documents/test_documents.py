"""Every command and snippet of the papers and docs/ is run against the simulated gateway; links and targets exist."""

import ast
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from momentum_kit.cli import main
from momentum_kit.models.session import TradingState
from momentum_kit.runtime import init_project
from momentum_kit.runtime.sim import gateway_process
from tests.chaos.chaos_processes import client_of, wait_status
from tests.helpers.command_line import call_main

ROOT = Path(__file__).resolve().parent.parent.parent
PAPERS = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")]
DOCUMENTS = [*PAPERS, *sorted((ROOT / "docs").glob("*.md"))]
SPEED = 4  # market seconds a second: the day lasts longer than any document, on however busy a machine
KIT = ".venv/bin/momentum-kit"
PAST = ("replay", "research")  # commands that meet no gateway
HERE = ("ack", "arm", "clear", "doctor", "flatten", "kill", "pause", "replay", "resume", "status")
"""Commands that are called in this process; research has one for each, since what it hands on has to lie on disk."""
ADD = "add"
MAKE, POETRY, PRE_COMMIT = "make", "poetry", ".venv/bin/pre-commit"
PYTEST = [".venv/bin/python", "-m", "pytest"]
ACCOUNT = "U1234567"  # the one that the documents arm

SNIPPET = """
import ast, asyncio, sys
code = open(sys.argv[1]).read()
compiled = compile(code, "snippet", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

async def cell():
    names = {}
    running = eval(compiled, names)
    if running is not None:
        await running

asyncio.run(cell())
"""


def blocks(document: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    text = document.read_text(encoding="utf-8")
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)


def commands(document: Path) -> list[list[str]]:
    """Every command line of the bash blocks, split into words; an addition to a file of config/ as `ADD FILE TEXT`."""
    found = []
    for language, block in re.findall(
        r"^ *```(bash|yaml)\n(.*?)^ *```", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        if language == "bash":
            lines = block.replace("\\\n", " ").splitlines()
            found += [words for line in lines if (words := shlex.split(line, comments=True))]
        elif named := re.match(r"# (config/\w+\.yaml)\n", block):
            found.append([ADD, named[1], block])
    return found


class Webhook(BaseHTTPRequestHandler):
    """Takes every alert."""

    def do_POST(self) -> None:
        """Read it and say thanks."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def webhook() -> Iterator[str]:
    """An address for alerts."""
    server = HTTPServer(("127.0.0.1", 0), Webhook)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Reader:
    """Somebody who follows a document, in a project folder of his own and with a gateway where it wants one.

    open_market: starts the gateway, once it is wanted, and says at which port.
    """

    def __init__(self, project: Path, open_market: Callable[[], int], webhook: str) -> None:
        self.project = project
        self._open_market = open_market
        self._meets_market = False
        state = {"MOMENTUM_KIT_STATE_DIR": str(project / "state"), "MOMENTUM_KIT_ALERT_URLS": webhook}
        self.environment = {**os.environ, **state}
        init_project(project)
        shutil.copytree(ROOT / "data" / "sample", project / "data" / "sample")
        self._rewrite("live", broker={"account": ACCOUNT})
        self.sessions: list[subprocess.Popen[str]] = []

    def follow(self, words: list[str]) -> None:
        """Do what one line says. What runs on (a session) runs on behind the lines after it."""
        if words[0] == ADD:
            with (self.project / words[1]).open("a", encoding="utf-8") as file:
                file.write(words[2])
        if words[0] != KIT:
            return
        command = words[1]
        if command not in PAST:
            self._meet_market()
        if command == "sim":
            self._serve(words[1:])
        elif command == "clear":
            self._clear(words[1:])
        elif command == "run":
            self._run(words[1:])
        else:
            self.call(words[1:])

    def call(self, words: list[str]) -> str:
        """One command to its end; a failure shows everything it said."""
        done = self._done(words)
        assert done.returncode == 0, f"{shlex.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run_snippet(self, code: str) -> None:
        """A Python block, as a notebook cell would run it."""
        self._meet_market()
        file = self.project / "snippet.py"
        file.write_text(code, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", SNIPPET, str(file)],
            cwd=self.project, env=self.environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def leave(self) -> None:
        """End what runs, in order."""
        for session in self.sessions:
            session.send_signal(signal.SIGINT)
        said = [session.communicate(timeout=300) for session in self.sessions]
        assert all("Traceback" not in errors for _, errors in said), said

    def _meet_market(self) -> None:
        """From here on there is a gateway, at the address of the simulation's and of paper's configuration."""
        if self._meets_market:
            return
        self._meets_market = True
        port = self._open_market()
        for name in ("sim", "paper"):
            self._rewrite(name, broker={"port": port}, clock={"kind": "scaled", "rate": SPEED})

    def _serve(self, words: list[str]) -> None:
        """A gateway of the document's own comes up and goes down; what connects uses the test's."""
        words[words.index("--port") + 1] = "0"
        gateway = self._start([*words, "--json"])
        assert gateway.stdout
        assert json.loads(gateway.stdout.readline())["port"]
        gateway.terminate()
        gateway.communicate(timeout=60)
        assert gateway.returncode == 0

    def _clear(self, words: list[str]) -> None:
        """After a kill: without the phrase it is refused and shows it, with the phrase it releases."""
        self.call(["kill", *words[1:]])
        for session in self.sessions:
            session.communicate(timeout=300)
        self.sessions = []
        asked = self._done(words)
        assert asked.returncode == 4
        phrase = asked.stderr.strip().rpartition(": ")[2].strip("'\"")
        assert "cleared" in self.call([*words, "--phrase", phrase])

    def _done(self, words: list[str]) -> "subprocess.CompletedProcess[str]":
        if words[0] in HERE:
            return call_main(words, self.project, self.environment)
        return subprocess.run(
            [sys.executable, "-m", "momentum_kit.cli", *words],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            stdin=subprocess.DEVNULL,
        )

    def _run(self, words: list[str]) -> None:
        """A session starts and stays for the lines after it."""
        for earlier in self.sessions:
            earlier.send_signal(signal.SIGINT)
            earlier.communicate(timeout=300)
        self.sessions = [self._start(words)]
        config = self.project / words[words.index("--config") + 1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MOMENTUM_KIT_STATE_DIR", self.environment["MOMENTUM_KIT_STATE_DIR"])
            wait_status(client_of(config), lambda status: status.state is TradingState.RUNNING, "the session runs")

    def _start(self, words: list[str]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.cli", *words],
            cwd=self.project, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _rewrite(self, name: str, **sections: dict[str, Any]) -> None:
        path = self.project / "config" / f"{name}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for section, changes in sections.items():
            content[section] = {**content.get(section, {}), **changes}
        path.write_text(yaml.safe_dump(content), encoding="utf-8")


@pytest.fixture
def reader(tmp_path: Path, webhook: str) -> Iterator[Reader]:
    """Beside a gateway whose market has hours to go."""
    gateway = gateway_process(["--port", "0", "--scenario", "quiet", "--speed", str(SPEED)], tmp_path / "err")
    with ExitStack() as market:
        following = Reader(tmp_path / "project", lambda: market.enter_context(gateway), webhook)
        yield following
        following.leave()


def for_a_reader(document: Path) -> bool:
    """True where it has something to run beside a gateway."""
    return bool(blocks(document, "python")) or any(words[0] == KIT for words in commands(document))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("document", list(filter(for_a_reader, DOCUMENTS)), ids=lambda path: path.name)
def test_every_command_and_snippet_runs(document: Path, reader: Reader) -> None:
    """Line by line, in the document's order; what needs a running session finds one."""
    lines = commands(document)
    told = [words[1] for words in lines if words[0] == KIT and words[1] in ("run", "status", "pause", "flatten")]
    if told and told[0] != "run":
        reader.follow(
            [KIT, "run", "notebooks/production.ipynb", "--config", "config/paper.yaml", "--out", "runs/before"]
        )
    for words in lines:
        reader.follow(words)
    for code in blocks(document, "python"):
        ast.parse(code)
        reader.run_snippet(code)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_targets_commands_links_and_tests_exist(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every `make target`, `momentum-kit command`, relative link and place in tests/ that is named exists."""
    text = document.read_text(encoding="utf-8")
    for words in commands(document):
        known_word = words[0] in (ADD, KIT, MAKE, POETRY, PRE_COMMIT) or words[:3] == PYTEST
        assert known_word, f"not checked: {shlex.join(words)}"
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (document.parent / link).exists(), link
    for place in re.findall(r"\btests/[\w/]*\w(?:\.py)?", text):
        assert (ROOT / place).exists(), place
    modules = {file.name for file in (ROOT / "tests").rglob("test_*.py")}
    assert set(re.findall(r"\btest_\w+\.py", text)) <= modules
    assert main(["--help"]) == 0
    known = set(re.findall(r"^│ ([a-z-]+) ", capsys.readouterr().out, re.MULTILINE))
    assert known
    named = set(re.findall(r"momentum-kit ([a-z-]+)", text))
    assert named <= known, named - known


def test_the_first_hour_names_modules_that_exist() -> None:
    """Every path of the package in docs/architecture.md leads somewhere."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.(?:py|yaml))?)`", text))
    assert len(named) > 15
    missing = [each for each in named if not any((ROOT / "momentum_kit").rglob(each)) and not (ROOT / each).exists()]
    assert missing == []
