"""Raw socket clients for the gateway's benchmark, in a process of their own: `python raw_clients.py WHAT ...`.

They connect, say "ready" on stdout, wait for a line on stdin, read whatever comes without decoding it, and print what
they saw as JSON. What: count messages, time orders, or time an echo.
"""

import gc
import json
import random
import selectors
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.wrapper import EWrapper

ORDER_STATUS, CURRENT_TIME = b"3", b"49"
GAP_S = 0.01  # between two requests, on average
DRAIN_S = 1.0  # for the answers to the last requests
ECHO_BYTES = 300  # as long as a placeOrder


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
    connection.sendall(encoder.encoded("reqCurrentTime"))
    heard = b""
    while CURRENT_TIME not in kinds(heard, version):
        heard += connection.recv(1 << 18)
    return connection


def kinds(data: bytes, version: int) -> set[bytes]:
    """Message ids, in text, of the whole frames in these bytes."""
    found = set()
    for payload in split(data):
        number = int.from_bytes(payload[:4], "big") % 200
        found.add(payload.partition(b"\0")[0] if version <= 200 else b"%d" % number)
    return found


def split(data: bytes) -> list[bytes]:
    """Payloads of the whole frames in these bytes."""
    payloads, offset = [], 0
    while len(data) >= offset + 4:
        end = offset + 4 + int.from_bytes(data[offset : offset + 4], "big")
        if end > len(data):
            break
        payloads.append(data[offset + 4 : end])
        offset = end
    return payloads


def go() -> None:
    """Tell the benchmark that all is set up, and wait for its word."""
    gc.collect()
    gc.disable()
    print("ready", flush=True)
    sys.stdin.readline()


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
    go()
    while selector.get_map():
        for key, _ in selector.select():
            data = key.fileobj.recv(1 << 20)  # type: ignore[union-attr]
            if data:
                heard[key.data].append(data)
            else:
                selector.unregister(key.fileobj)
    return {"messages": [count_frames(b"".join(pieces)) for pieces in heard.values()]}


Sent, Read = list[float], list[tuple[float, bytes]]


def exchange(connection: socket.socket, request: Callable[[int], bytes], seconds: float) -> tuple[Sent, Read]:
    """Send requests at random gaps, whether or not the last is answered; when each left, and what came when.

    Nothing is decoded meanwhile: the client must not be what is measured.
    """
    gaps = random.Random(1)
    requests = [request(number) for number in range(int(seconds / GAP_S))]
    sent: list[float] = []
    read: list[tuple[float, bytes]] = []
    go()
    due = time.perf_counter()
    last = due + len(requests) * GAP_S + DRAIN_S
    while (now := time.perf_counter()) < last:
        if len(sent) < len(requests) and now >= due:
            sent.append(now)
            connection.sendall(requests[len(sent) - 1])
            due += gaps.uniform(0, 2 * GAP_S)
        connection.settimeout(max((due if len(sent) < len(requests) else last) - time.perf_counter(), 1e-6))
        try:
            data = connection.recv(1 << 18)
        except TimeoutError:
            continue
        read.append((time.perf_counter(), data))
    return sent, read


def arrivals(read: Read) -> list[tuple[float, bytes]]:
    """Every payload with the time at which its last byte had come."""
    found, rest = [], b""
    for at, data in read:
        rest += data
        payloads = split(rest)
        rest = rest[sum(4 + len(payload) for payload in payloads) :]
        found += [(at, payload) for payload in payloads]
    return found


def orders(port: int, version: int, con_ids: list[int], lines: int, seconds: float) -> dict[str, Any]:
    """Place an order, cancel it, and so on; ms from each request to the status that answers it."""
    connection = connect(port, 0, version, con_ids, lines)
    encoder, order = Encoder(version), Order()
    order.action, order.totalQuantity, order.orderType, order.lmtPrice, order.tif = "BUY", 1, "LMT", 0.01, "DAY"

    def request(number: int) -> bytes:
        order_id = number // 2 + 1
        if number % 2 == 0:
            return encoder.encoded("placeOrder", order_id, stock(con_ids[0]), order)
        return encoder.encoded("cancelOrder", order_id, OrderCancel())

    sent, read = exchange(connection, request, seconds)
    payloads = arrivals(read)
    answered: dict[int, float] = {}
    for at, payload in payloads:
        kind, _, rest = payload.partition(b"\0")
        if kind == ORDER_STATUS:
            order_id, status = rest.split(b"\0", 2)[:2]
            answered.setdefault(2 * int(order_id) - (status != b"Cancelled") - 1, at)
    waits_ms = [(answered[number] - at) * 1e3 for number, at in enumerate(sent)]
    return {"waits_ms": waits_ms, "messages": [len(payloads)], "burst": most_within(payloads)}


def most_within(payloads: Read, window_s: float = 0.5) -> int:
    """Most messages that came within so many seconds."""
    most = first = 0
    for last, (at, _) in enumerate(payloads):
        while payloads[first][0] < at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def echo(port: int, seconds: float) -> dict[str, Any]:
    """The same rhythm against a server that sends every byte back at once: what this machine can do at best."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    frame = (ECHO_BYTES - 4).to_bytes(4, "big") + bytes(ECHO_BYTES - 4)
    sent, read = exchange(connection, lambda _: frame, seconds)
    return {"waits_ms": [(at - began) * 1e3 for began, (at, _) in zip(sent, arrivals(read), strict=True)]}


if __name__ == "__main__":
    what, port_, *rest_ = sys.argv[1:]
    run = {"count": count, "orders": orders, "echo": echo}[what]
    print(json.dumps(run(int(port_), *(json.loads(each) for each in rest_))))
