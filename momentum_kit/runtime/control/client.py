"""The control endpoint's client: how kit, panel and command line reach a running engine, over local HTTP."""

import http.client
import json
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from momentum_kit.config import Thresholds
from momentum_kit.errors import BrokerError, EngineError, GuardRefused, InputError, MomentumKitError
from momentum_kit.json_text import parse_json
from momentum_kit.models import Bar, EngineStatus
from momentum_kit.runtime.control.messages import decode_bars, decode_status
from momentum_kit.runtime.control.proof import believed
from momentum_kit.runtime.control.tuning import ThresholdState
from momentum_kit.runtime.ownership import ControlAddress, StateFolder, no_answer

ANSWERS = {  # what a failure is called on the wire, and its HTTP status; the first that fits
    GuardRefused: ("guard", 409),
    InputError: ("input", 400),
    BrokerError: ("broker", 502),
    MomentumKitError: ("engine", 500),
}
GONE_PATIENCE_S = 1.0
INQUIRY_S = 90.0  # an inquiry may wait for a connection, for its turn, and for the broker
PATIENCE_S = 5.0  # an engine that is well answers within milliseconds


class ControlClient:
    """Talks to a running engine, blocking for milliseconds; callers on a loop use it through a thread.

    folder: where the engine leaves its signs of life; with it an engine that hangs is told from one that is gone, and
    one that a watchdog has put in its place is found.
    """

    def __init__(self, address: ControlAddress, folder: StateFolder | None = None) -> None:
        self.address = address
        self.account = ""  # that the last command touched, in the engine's words
        self._folder = folder

    @property
    def gone(self) -> bool:
        """True if nobody is behind the address any more; an engine that merely hangs is still there.

        A process that was killed holds its lock and its socket until its last thread has ended.
        """
        try:
            with closing(believed(self.address, None, GONE_PATIENCE_S)) as connection:
                connection.request("GET", "/alive", headers={"Authorization": f"Bearer {self.address.token}"})
                connection.getresponse()
        except (ConnectionError, http.client.HTTPException, EngineError):  # refused, reset, closed, or somebody else
            return True
        except TimeoutError:
            return False
        return False

    def follow(self) -> bool:
        """True where another engine has taken over the session, and is talked to from now on."""
        now = self._folder.address() if self._folder else None
        if now is None or now == self.address or now.run_dir != self.address.run_dir:
            return False
        self.address = now
        return True

    def status(self) -> EngineStatus:
        """The session's snapshot; EngineError if nobody answers."""
        return decode_status(self._call("GET", "/status", PATIENCE_S))

    def start(self, until: datetime | None = None) -> None:
        """Reconcile and trade until `until`, market time."""
        self._call("POST", "/start", PATIENCE_S, {"until": until.isoformat() if until else None})

    def command(self, name: str, source: str, timeout_s: float = 30.0, *, symbol: str = "") -> str:
        """One command, with the symbol that it is for; GuardRefused if it is refused. Returns the session's own line.

        An engine that answers at all is given timeout_s, since a command may wait for the broker's turn.
        """
        content = {"command": name, "source": source, "symbol": symbol}
        answer = self._call("POST", "/command", timeout_s, content)
        self.account = str(answer.get("account", ""))
        return str(answer["outcome"])

    def history(self, symbol: str, duration: str, bar_size: str, timeout_s: float = 90.0) -> tuple[Bar, ...]:
        """Bars up to now, in IB's words for duration and size."""
        asked = urlencode({"symbol": symbol, "duration": duration, "bar_size": bar_size})
        return decode_bars(self._call("GET", f"/history?{asked}", timeout_s))

    def inquire(self, name: str, arguments: Mapping[str, Any], timeout_s: float = INQUIRY_S) -> Any:
        """One inquiry's answer, in the models of the bridge; times may be aware datetimes."""
        from momentum_kit.runtime.inquiries import decode_answer  # ibapi is slow to load

        self._call("GET", "/alive", PATIENCE_S)
        given = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in arguments.items()}
        return decode_answer(name, self._call("POST", "/inquiry", timeout_s, {"name": name, "arguments": given}))

    def thresholds(self) -> ThresholdState:
        """The thresholds in force and those of the tuned file."""
        content = self._call("GET", "/thresholds", PATIENCE_S)
        return ThresholdState(*(Thresholds.model_validate(content[name]) for name in ("current", "file")))

    def set_thresholds(self, values: Mapping[str, Any], source: str) -> str:
        """Apply these over the set in force, all or none, as one journalled change; InputError if one is not valid."""
        content = {"values": dict(values), "source": source}
        return str(self._call("POST", "/thresholds", PATIENCE_S, content)["outcome"])

    def revert_thresholds(self, source: str) -> str:
        """The tuned file's thresholds again."""
        return str(self._call("POST", "/thresholds/revert", PATIENCE_S, {"source": source})["outcome"])

    def _call(self, method: str, path: str, timeout_s: float, content: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.address.token}", "Content-Type": "application/json"}
        # what would be obeyed after we have told the user that nobody answers, would be obeyed behind their back
        body = None if content is None else json.dumps({**content, "valid_until": time.time() + timeout_s})
        connection, patience_s = None, min(timeout_s, PATIENCE_S)
        try:
            connection = believed(self.address, self._folder, patience_s)
            patience_s = timeout_s
            connection.sock.settimeout(patience_s)
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = parse_json(response.read())
        except (OSError, http.client.HTTPException, ValueError, EngineError) as error:
            if self.follow() and method == "GET":  # a command was for the engine as it stood then
                return self._call(method, path, timeout_s)
            if isinstance(error, EngineError):
                raise
            why = f" within {patience_s:g} s" if isinstance(error, TimeoutError) else f": {str(error) or 'no answer'}"
            raise no_answer(self._folder, f"the engine (pid {self.address.pid}) does not answer{why}") from None
        finally:
            if connection is not None:
                connection.close()
        if response.status == 200:
            return answer
        kinds: dict[str, type[MomentumKitError]] = {kind: error for error, (kind, _) in ANSWERS.items()}
        kind = kinds.get(answer.get("kind", ""), EngineError)
        raise kind(answer.get("error", f"status {response.status}"))
