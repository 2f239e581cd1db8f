"""The official client's encoder and decoder joined to a Hub without sockets, at any server version."""

import inspect
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ibapi.client import EClient
from ibapi.common import PROTOBUF_MSG_ID
from ibapi.contract import Contract
from ibapi.decoder import Decoder
from ibapi.server_versions import MIN_SERVER_VER_PROTOBUF
from ibapi.wrapper import EWrapper

from momentum_kit.simgateway.embedding import Scenario, open_broker, open_market
from momentum_kit.simgateway.hub import Hub
from momentum_kit.simgateway.scenario import parse_scenario


def split_frames(data: bytes) -> list[bytes]:
    """The payloads of length-prefixed messages."""
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        assert len(data) >= 4 + size
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


class _Counted:
    """Fields as the official decoder walks them; knows how many are left."""

    def __init__(self, fields: list[bytes]) -> None:
        self._fields = fields
        self._at = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._at >= len(self._fields):
            raise StopIteration
        self._at += 1
        return self._fields[self._at - 1]

    @property
    def left(self) -> list[bytes]:
        """Fields nobody read."""
        return self._fields[self._at :]


def _recording(name: str, parameters: list[str]) -> Callable[..., None]:
    def callback(self: "Peer", *values: Any) -> None:
        self.calls.append((name, SimpleNamespace(**dict(zip(parameters, values, strict=True)))))

    return callback


_CALLBACKS = {
    name: _recording(name, list(inspect.signature(method).parameters)[1:])
    for name, method in inspect.getmembers(EWrapper, inspect.isfunction)
    if not name.startswith("_") and not name.endswith("ProtoBuf") and name not in ("logAnswer", "winError")
}
Recorder = type("Recorder", (EWrapper,), _CALLBACKS)


class Peer(Recorder):
    """The official client with its socket replaced by calls into a session.

    calls: (callback name, arguments by IB's names); frames: every message the gateway sent.
    """

    def __init__(self, hub: Hub, version: int, client_id: int = 1) -> None:
        super().__init__()
        self.session = hub.open_session()
        self.frames: list[list[str]] = []
        self.calls: list[tuple[str, SimpleNamespace]] = []
        self.client = EClient(self)
        self.client.conn = SimpleNamespace(isConnected=lambda: True, sendMsg=self.send)
        hello = f"v100..{version}".encode()
        self.session.receive(b"API\0" + len(hello).to_bytes(4, "big") + hello)
        greeting = split_frames(self.session.take_output())[0]
        self.version = int(greeting.split(b"\0")[0])
        self.client.serverVersion_ = self.version
        self.client.setConnState(EClient.CONNECTED)
        self.client.clientId = client_id
        self._decoder = Decoder(self, self.version)
        self.client.startApi()

    def named(self, name: str) -> list[SimpleNamespace]:
        """Arguments of every call of one callback."""
        return [args for called, args in self.calls if called == name]

    def errors(self, request_id: int) -> list[int]:
        """Codes of the errors of one request."""
        return [args.errorCode for args in self.named("error") if args.reqId == request_id]

    def drain(self) -> None:
        """Decode what the session has to say; every field of every text message must be read."""
        for payload in split_frames(self.session.take_output()):
            self._decode(payload)

    def send(self, message: bytes) -> None:
        """Give the session bytes and decode its answer at once."""
        self.session.receive(message)
        self.drain()

    def _decode(self, payload: bytes) -> None:
        if self.version >= MIN_SERVER_VER_PROTOBUF:
            number, rest = int.from_bytes(payload[:4], "big"), payload[4:]
        else:
            first, _, rest = payload.partition(b"\0")
            number = int(first)
        if number > PROTOBUF_MSG_ID:
            self.frames.append([str(number), repr(rest)])
            Decoder.msgId2handleInfoProtoBuf[number - PROTOBUF_MSG_ID].processMeth(self._decoder, rest)
        else:
            self._decode_text(number, rest.split(b"\0")[:-1])

    def _decode_text(self, number: int, fields: list[bytes]) -> None:
        self.frames.append([str(number), *(field.decode() for field in fields)])
        handle = Decoder.msgId2handleInfo[number]
        if handle.processMeth is None:
            assert len(fields) == len(handle.wrapperParams), f"message {number} at {self.version}: {fields}"
            self._decoder.interpretWithSignature(fields, handle)
            return
        counted = _Counted(fields)
        handle.processMeth(self._decoder, counted)
        assert not counted.left, f"message {number} at {self.version}: unread {counted.left}"


@pytest.fixture
def quiet_scenario() -> Scenario:
    """AAPL and a handful of others on a plain morning."""
    return parse_scenario({"name": "quiet", "seed": 3, "universe": {"small_caps": 3, "large_caps": 1}})


@pytest.fixture
def hub(quiet_scenario: Scenario) -> Hub:
    """A gateway without sockets that speaks up to 226; a client that wants less says so."""
    market = open_market(quiet_scenario)
    return Hub(market, open_broker(market), version_cap=226)


@pytest.fixture
def peer(hub: Hub) -> Callable[..., Peer]:
    """Connects the official client to the hub at a server version, 200 by default."""

    def connect(version: int = 200, client_id: int = 1) -> Peer:
        return Peer(hub, version, client_id)

    return connect


@pytest.fixture
def peer_of() -> Callable[[Hub], Peer]:
    """Connects the official client to any hub at 200."""
    return lambda hub: Peer(hub, 200)


@pytest.fixture
def aapl() -> Contract:
    """AAPL as clients write it."""
    contract = Contract()
    contract.conId, contract.symbol, contract.secType = 265598, "AAPL", "STK"
    contract.exchange, contract.currency = "SMART", "USD"
    return contract
