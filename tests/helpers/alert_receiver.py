"""A local address that takes every alert, as a person's phone does."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.chaos.chaos_processes import wait_until


class Receiver:
    """A person's phone: a local address that takes every alert, with the time at which it came."""

    def __init__(self) -> None:
        taken: list[tuple[float, str]] = []
        titles: list[str] = []
        pings: list[float] = []

        class Taker(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                taken.append((time.monotonic(), content["message"]))
                titles.append(content["title"])
                self.send_response(200)
                self.end_headers()

            def do_GET(self) -> None:
                pings.append(time.monotonic())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass  # the test's own output

        self.taken = taken
        self.titles = titles
        self.pings = pings  # of a dead man's switch
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        self.address = f"json://127.0.0.1:{self._server.server_port}/"
        self.switch = f"http://127.0.0.1:{self._server.server_port}/secret"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="receiver")
        self._thread.start()

    def when(self, words: str) -> float:
        """At which time an alert with these words came; waits for it."""
        return float(wait_until(lambda: [at for at, text in self.taken if words in text], words, lambda: self.taken)[0])

    def close(self) -> None:
        """No more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
