"""Raw socket clients for the gateway's benchmark, in a process of their own: `python raw_clients.py count|orders ...`.

They connect, say "ready" on stdout, read whatever comes without decoding it, and print what they saw as JSON.
"""

import json
import selectors
import socket
import sys
import time
from typing import Any

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.wrapper import EWrapper

OPEN_ORDER, ORDER_STATUS, ERROR = 5, 3, 4


class Kept:
    """Stands in for the official client's socket and keeps what is sent."""

    def __init__(self) -> None:
        self.bytes = b""

    def isConnected(self) -> bool:  # noqa: N802
        """It always is."""
        return True

    def sendMsg(self, message: bytes) -> int:  # noqa: N802
        """Keep it."""
        self.bytes += message
        return len(message)


class Encoder(EClient):
    """The official client as an encoder of requests."""

    def __init__(self, version: int) -> None:
        super().__init__(EWrapper())
        self.serverVersion_ = version
        self.conn = Kept()
        self.setConnState(EClient.CONNECTED)

    def encoded(self, request: str, *arguments: Any) -> bytes:
        """The bytes of one request."""
        self.conn.bytes = b""
        getattr(self, request)(*arguments)
        return self.conn.bytes


def stock(con_id: int) -> Contract:
    """A stock by its id."""
    contract = Contract()
    contract.conId, contract.secType, contract.exchange, contract.currency = con_id, "STK", "SMART", "USD"
    return contract


def connect(port: int, client_id: int, version: int, con_ids: list[int], lines: int) -> socket.socket:
    """A connected client with market data lines over these contracts, and prints where a contract comes first."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    hello = b"v157..%d" % version
    connection.sendall(b"API\0" + len(hello).to_bytes(4, "big") + hello)
    connection.recv(4096)
    encoder = Encoder(version)
    encoder.clientId = client_id
    connection.sendall(encoder.encoded("startApi"))
    for line in range(lines):
        ticks = "375" if line < len(con_ids) else ""
        request = encoder.encoded("reqMktData", line + 1, stock(con_ids[line % len(con_ids)]), ticks, False, False, [])
        connection.sendall(request)
    return connection


def count_frames(data: bytes) -> int:
    """How many whole frames these bytes hold."""
    offset = frames = 0
    while offset + 4 <= len(data):
        offset += 4 + int.from_bytes(data[offset : offset + 4], "big")
        frames += offset <= len(data)
    return frames


def count(port: int, version: int, con_ids: list[int], lines: int, clients: int) -> dict[str, Any]:
    """Read until the gateway hangs up; messages that each client got."""
    selector = selectors.DefaultSelector()
    heard: dict[int, list[bytes]] = {}
    for client_id in range(clients):
        connection = connect(port, client_id, version, con_ids, lines)
        heard[client_id] = []
        selector.register(connection, selectors.EVENT_READ, client_id)
    print("ready", flush=True)
    while selector.get_map():
        for key, _ in selector.select():
            data = key.fileobj.recv(1 << 20)  # type: ignore[union-attr]
            if data:
                heard[key.data].append(data)
            else:
                selector.unregister(key.fileobj)
    return {"messages": [count_frames(b"".join(pieces)) for pieces in heard.values()]}


def orders(port: int, version: int, con_ids: list[int], lines: int, seconds: float) -> dict[str, Any]:
    """Place an order, cancel it, and so on, 100 requests a second; ms from each to the first word about it."""
    connection = connect(port, 0, version, con_ids, lines)
    encoder, order = Encoder(version), Order()
    order.action, order.totalQuantity, order.orderType, order.lmtPrice, order.tif = "BUY", 1, "LMT", 0.01, "DAY"
    print("ready", flush=True)
    waits_ms: list[float] = []
    buffer = bytearray()
    frames = 0
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        number = len(waits_ms)
        order_id = number // 2 + 1
        if number % 2 == 0:
            request = encoder.encoded("placeOrder", order_id, stock(con_ids[0]), order)
        else:
            request = encoder.encoded("cancelOrder", order_id, OrderCancel())
        sent = time.perf_counter()
        connection.sendall(request)
        answered = False
        due = elapsed + 0.01
        while not answered or time.perf_counter() - started < due:
            connection.settimeout(10 if not answered else max(due - (time.perf_counter() - started), 0.0001))
            try:
                buffer += connection.recv(1 << 18)
            except TimeoutError:
                break
            arrived = time.perf_counter()
            while len(buffer) >= 4 and len(buffer) >= (end := 4 + int.from_bytes(buffer[:4], "big")):
                kind = int(buffer[4:end].partition(b"\0")[0])
                frames += 1
                if not answered and kind in (OPEN_ORDER, ORDER_STATUS, ERROR):
                    waits_ms.append((arrived - sent) * 1e3)
                    answered = True
                del buffer[:end]
    return {"waits_ms": waits_ms, "messages": [frames]}


if __name__ == "__main__":
    what, port_, version_, ids, lines_, last = sys.argv[1:]
    run = {"count": count, "orders": orders}[what]
    print(json.dumps(run(int(port_), int(version_), json.loads(ids), int(lines_), json.loads(last))))
