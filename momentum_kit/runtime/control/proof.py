"""Proves that who listens at an engine's port is that engine, before anybody sends it the token.

A port outlives its engine: whoever takes it next would be sent the token and believed. So a caller first asks for a
proof: a number that nobody used before, answered by the keyed hash that only the owner of the token can make. Token,
commands and answers then go over that same connection, and no other process can have it.
"""

import hmac
import http.client
import secrets
from hashlib import sha256

from momentum_kit.errors import EngineError
from momentum_kit.json_text import parse_json
from momentum_kit.runtime.ownership import ControlAddress, StateFolder

PROOF_PATH = "/proof"
PROOF_QUESTION = 64  # at most; more is nobody's of ours


def prove(token: str, pid: int, question: str) -> str:
    """What the engine of this token and process answers."""
    return hmac.new(
        token.encode(), f"momentum_kit engine {pid}: {question}".encode(errors="replace"), sha256
    ).hexdigest()


def believed(address: ControlAddress, folder: StateFolder | None, timeout_s: float) -> http.client.HTTPConnection:
    """An open connection to the engine itself; to be closed by the caller.

    Raises EngineError where somebody else listens, and OSError or HTTPException where its lock is gone or nobody does.
    """
    if folder is not None and not folder.owned:
        raise ConnectionRefusedError(f"it has ended, and nobody owns {folder.path.name}")
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=timeout_s)
    try:
        connection.connect()
        if address.proves:
            _ask(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection


def _ask(connection: http.client.HTTPConnection, address: ControlAddress) -> None:
    question = secrets.token_hex(16)
    connection.request("GET", f"{PROOF_PATH}?question={question}")
    response = connection.getresponse()
    try:
        answer = parse_json(response.read(1_000))["proof"]
    except (ValueError, KeyError, TypeError):
        answer = ""
    expected = prove(address.token, address.pid, question)
    if (
        connection.sock is None
        or not isinstance(answer, str)
        or not hmac.compare_digest(answer.encode(errors="replace"), expected.encode())
    ):
        raise EngineError(
            f"what listens at port {address.port} is not the engine (pid {address.pid}); it was sent nothing"
        )
