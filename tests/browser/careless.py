"""What a hostile page may talk to: the server it comes from, and an endpoint that trusts everybody, as a control."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SECRET = "careless secret"


class Careless(ThreadingHTTPServer):
    """Serves a page, and obeys and answers whoever asks, any origin; `obeyed` and `told` by the attempt's name."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.obeyed: dict[str, str] = {}
        self.told: set[str] = set()


class _Answer(BaseHTTPRequestHandler):
    server: Careless

    def do_GET(self) -> None:
        """The page at /, secrets elsewhere; a stream of them at /events."""
        if self.path == "/":
            self._say("<!doctype html><title>hostile</title><body></body>", "text/html")
            return
        self.server.told.add(self._attempt)
        if self.path.startswith("/events"):
            self._say(f"event: status\ndata: {SECRET}\n\n", "text/event-stream")
        else:
            self._say(SECRET, "text/plain")

    def do_POST(self) -> None:
        """Obeys."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.obeyed[self._attempt] = body
        self._say(json.dumps({"outcome": SECRET}), "application/json")

    def do_OPTIONS(self) -> None:
        """A preflight: everything is allowed."""
        self._say("", "text/plain")

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    @property
    def _attempt(self) -> str:
        return parse_qs(urlsplit(self.path).query).get("attempt", [""])[0]

    def _say(self, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(200)
        for name, value in {
            "Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close",
            "Access-Control-Allow-Origin": self.headers.get("Origin", "*"), "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Headers": "authorization, content-type", "Access-Control-Allow-Methods": "*",
        }.items():  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def careless_server() -> Iterator[Careless]:
    """It listens on the loopback until the context ends."""
    server = Careless()
    thread = threading.Thread(target=server.serve_forever, name="careless", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
