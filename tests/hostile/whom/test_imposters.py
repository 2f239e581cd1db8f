"""Who takes the port of an engine that has died is not believed, and never learns its token."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from momentum_kit.errors import EngineError
from momentum_kit.runtime.control import ControlClient, EventStream, StreamEvent
from momentum_kit.runtime.ownership import ControlAddress, StateFolder
from tests.hostile.outsider import ROOT, momentum_kit_process

TOKEN = "the-token-of-the-engine"


class Imposter(http.server.BaseHTTPRequestHandler):
    """Says yes to everything, and writes down what it is told."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.heard.append(f"{self.requestline}\n{self.headers}\n{body.decode()}")  # type: ignore[attr-defined]
        told = json.dumps({"outcome": "killed; flat", "proof": "0" * 64, "alive": True}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def imposter() -> Iterator[tuple[int, list[str]]]:
    """One that listens, and what it has heard."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Imposter)
    server.heard = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], server.heard  # type: ignore[attr-defined,misc]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """The account's folder."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    return StateFolder("sim-4102")


def address_at(port: int) -> ControlAddress:
    """Where an engine listened before it died."""
    return ControlAddress(port=port, token=TOKEN, pid=4711, run_dir="", arguments="--config c.yaml", proves=True)


def test_a_client_whose_engine_died_gives_the_next_one_nothing(folder: StateFolder) -> None:
    """A kit or panel holds an address for hours: its lock is gone, so nothing is asked."""
    with imposter() as (port, heard):
        client = ControlClient(address_at(port), folder)
        with folder.own():
            folder.publish(client.address)
        for ask in (client.status, client.start, client.thresholds, lambda: client.command("kill", "me")):
            with pytest.raises(EngineError, match="ended"):
                ask()
        assert heard == []


def test_one_that_has_a_port_of_a_living_engine_is_no_engine(folder: StateFolder) -> None:
    """Where the lock is held, whoever listens has to prove that it knows the token, without being sent it."""
    with imposter() as (port, heard), folder.own():
        folder.publish(address_at(port))
        for client in (ControlClient(address_at(port), folder), ControlClient(address_at(port))):
            for ask in (client.status, lambda client=client: client.command("kill", "me")):
                with pytest.raises(EngineError, match="not the engine"):
                    ask()
            assert client.gone
        assert heard
        assert TOKEN not in "".join(heard)


def test_the_command_line_is_not_taken_in(tmp_path: Path, folder: StateFolder) -> None:
    """A kill latches all the same, and says that nothing is flat by it."""
    (tmp_path / "config").symlink_to(ROOT / "config")
    with imposter() as (port, heard), folder.own():
        folder.publish(address_at(port))
        done = momentum_kit_process(tmp_path, "kill", "--config", "config/sim.yaml")
        assert done.returncode != 0
        assert "not the engine" in done.stderr
        assert "NOT flat" in done.stderr
        assert folder.killed
        assert TOKEN not in "".join(heard)


def test_an_event_stream_is_not_taken_in(folder: StateFolder) -> None:
    """A panel shows nothing that an imposter tells."""
    told: list[StreamEvent] = []
    heard_one = threading.Event()

    def take(event: StreamEvent) -> None:
        told.append(event)
        heard_one.set()

    with imposter() as (port, heard), folder.own():
        folder.publish(address_at(port))
        with EventStream(folder, take):
            assert heard_one.wait(20)
        assert {event.kind for event in told} == {"disconnected"}
        assert "not the engine" in told[0].content["reason"]
        assert TOKEN not in "".join(heard)
