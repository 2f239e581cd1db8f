"""Plays a gateway that sends what was encoded beforehand: `python tick_sender.py SCENARIO VERSION`, in its own process.

It prints its port, greets one client, and takes down the ids of its market data lines. The first question for the time
is answered when the stream is encoded for them; each further one by the stream, and the time behind it. At the end it
prints what it saw as JSON: when the last byte of each stream was handed over, when each message of a paced stream was,
and when each order came (perf_counter_ns, which all processes of a machine share).
"""

import json
import random
import socket
import sys
import threading
import time
from typing import Any

from ibapi.protobuf.CurrentTime_pb2 import CurrentTime
from ibapi.protobuf.MarketDataRequest_pb2 import MarketDataRequest
from ibapi.protobuf.PlaceOrderRequest_pb2 import PlaceOrderRequest
from ibapi.protobuf.TickNews_pb2 import TickNews
from ibapi.protobuf.TickPrice_pb2 import TickPrice
from ibapi.protobuf.TickSize_pb2 import TickSize
from ibapi.protobuf.TickString_pb2 import TickString

TICKS = {"saturation": 100_000, "memory": 1_000_000, "burst": 50_000, "stopped": 100_000, "pace": 0}  # a stream
PACED, PER_S = 10_000, 2_000
PROTOBUF = 201
PIECE, BYTES_PER_S = 16_384, 60_000_000  # well above every client; the official one chokes on a large backlog
LINES = 100  # of stocks; one more is for headlines
STREAM_OF = 10  # messages, of one line each: see group()


def frame(body: bytes) -> bytes:
    """Behind its length."""
    return len(body).to_bytes(4, "big") + body


class Encoder:
    """Encodes what the bench's gateways say, as text or as protobuf."""

    def __init__(self, version: int) -> None:
        self.protobuf = version >= PROTOBUF

    def text(self, kind: int, *fields: object) -> bytes:
        """A message that is text in every version."""
        body = b"".join(b"%s\0" % str(field).encode() for field in fields)
        return frame((kind.to_bytes(4, "big") if self.protobuf else b"%d\0" % kind) + body)

    def _message(self, kind: int, message: Any) -> bytes:
        return frame((200 + kind).to_bytes(4, "big") + message.SerializeToString())

    def price(self, line: int, field: int, price: float, size: int) -> bytes:
        """TickPrice."""
        if not self.protobuf:
            return self.text(1, 6, line, field, price, size, 0)
        return self._message(1, TickPrice(reqId=line, tickType=field, price=price, size=str(size), attrMask=0))

    def size(self, line: int, field: int, size: int) -> bytes:
        """TickSize."""
        if not self.protobuf:
            return self.text(2, 6, line, field, size)
        return self._message(2, TickSize(reqId=line, tickType=field, size=str(size)))

    def string(self, line: int, field: int, value: str) -> bytes:
        """TickString."""
        if not self.protobuf:
            return self.text(46, 6, line, field, value)
        return self._message(46, TickString(reqId=line, tickType=field, value=value))

    def trade(self, line: int, price: float, size: int) -> bytes:
        """RTTradeVolume."""
        return self.string(line, 77, f"{price};{size};{1775425766350 + size};{size * 7};{price};true")

    def headline(self, line: int, number: int) -> bytes:
        """TickNews."""
        text = (1775425766350, "DJ-N", f"DJ-N${number:08x}", "Acme Biotech Says Trial Met Its Main Goal", "K:n/a")
        if not self.protobuf:
            return self.text(84, line, *text)
        names = ("timestamp", "providerCode", "articleId", "headline", "extraData")
        return self._message(84, TickNews(reqId=line, **dict(zip(names, text, strict=True))))

    def time(self) -> bytes:
        """CurrentTime."""
        return self._message(49, CurrentTime(currentTime=1775425766)) if self.protobuf else self.text(49, 1, 1775425766)

    def group(self, line: int, number: int, rng: random.Random) -> list[bytes]:
        """Ten messages as a line of an active stock brings them: quotes, a trade and what comes along with it."""
        bid = round(rng.uniform(1, 500), 2)
        ask, last, sizes = (
            round(bid + 0.01, 2),
            round(bid + rng.choice((0, 0.01)), 2),
            [rng.randrange(1, 90) for _ in "abc"],
        )
        return [
            self.price(line, 1, bid, sizes[0]), self.size(line, 0, sizes[0]),
            self.price(line, 2, ask, sizes[1]), self.size(line, 3, sizes[1]),
            self.price(line, 4, last, sizes[2]), self.size(line, 5, sizes[2]),
            self.size(line, 8, 1_000 + number), self.string(line, 45, str(1775425766 + number // 100)),
            self.trade(line, last, number % 1_000 + 1), self.size(line, 0, sizes[0] + 1),
        ]  # fmt: skip

    def stream(self, lines: list[int], messages: int) -> bytes:
        """So many messages, over all lines in turn."""
        rng, pieces = random.Random(7), []
        for number in range(messages // STREAM_OF):
            pieces += self.group(lines[number % len(lines)], number, rng)
        return b"".join(pieces)


class Gateway:
    """One connection, from the handshake to its end."""

    def __init__(self, scenario: str, version: int, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        self.scenario, self.encoder, self.connection = scenario, Encoder(version), connection
        self.lines: list[int] = []  # in the order of their requests
        self.stream: bytes | list[bytes] | None = None
        self.ended_ns: list[int] = []
        self.sent_ns: list[int] = []
        self.orders_ns: dict[int, int] = {}
        self._rest = b""
        self._bodies(4)  # API\0
        self._next()
        connection.sendall(frame(b"%d\x0020260405 23:49:26 US/Eastern\0" % version))
        self._next()
        connection.sendall(self.encoder.text(15, 1, "DU9000001") + self.encoder.text(9, 1, 1))

    def serve(self) -> dict[str, Any]:
        """Until the client hangs up; what was seen."""
        while body := self._next():
            protobuf = self.encoder.protobuf
            kind = int.from_bytes(body[:4], "big") % 200 if protobuf else int(body.partition(b"\0")[0])
            if kind == 1:
                self.lines.append(
                    MarketDataRequest.FromString(body[4:]).reqId if protobuf else int(body.split(b"\0")[2])
                )
            elif kind == 3:
                order = PlaceOrderRequest.FromString(body[4:]).orderId if protobuf else int(body.split(b"\0")[1])
                self.orders_ns[order] = time.perf_counter_ns()
            elif kind == 49 and self.stream is None:
                self.stream = self._encoded()
                self.connection.sendall(self.encoder.time())
            elif kind == 49:
                threading.Thread(target=self._play).start()
        return {"ended_ns": self.ended_ns, "sent_ns": self.sent_ns, "orders_ns": self.orders_ns}

    def _encoded(self) -> bytes | list[bytes]:
        if self.scenario == "pace":
            return [self.encoder.trade(self.lines[number % LINES], 10.5, number + 1) for number in range(PACED)]
        if self.scenario == "stopped":
            trades = (self.encoder.trade(self.lines[0], 10.5, number + 1) for number in range(TICKS["stopped"]))
            return b"".join(trades)
        return self.encoder.stream(self.lines[:LINES], TICKS[self.scenario])

    def _play(self) -> None:
        if isinstance(self.stream, list):
            self._pace(self.stream)
        elif self.scenario == "burst":
            assert self.stream is not None
            self.connection.sendall(self.stream + self.encoder.headline(self.lines[-1], len(self.ended_ns)))
        else:
            assert self.stream is not None
            self._pour(self.stream)
        self.ended_ns.append(time.perf_counter_ns())
        self.connection.sendall(self.encoder.time())

    def _pour(self, stream: bytes) -> None:
        started = time.perf_counter()
        for place in range(0, len(stream), PIECE):
            left_s = started + place / BYTES_PER_S - time.perf_counter()
            if left_s > 0:
                time.sleep(left_s)
            self.connection.sendall(stream[place : place + PIECE])

    def _pace(self, messages: list[bytes]) -> None:
        started = time.perf_counter()
        for number, message in enumerate(messages):
            left_s = started + number / PER_S - time.perf_counter()
            if left_s > 0:
                time.sleep(left_s)
            self.sent_ns.append(time.perf_counter_ns())
            self.connection.sendall(message)

    def _next(self) -> bytes:
        return self._bodies(int.from_bytes(head, "big")) if (head := self._bodies(4)) else b""

    def _bodies(self, size: int) -> bytes:
        while len(self._rest) < size:
            data = self.connection.recv(1 << 16)
            if not data:
                return b""
            self._rest += data
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def main(scenario: str, version: int) -> None:
    """Serve one client."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
        with connection:
            print(json.dumps(Gateway(scenario, version, connection).serve()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
