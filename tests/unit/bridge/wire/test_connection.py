"""Bytes in, whole frames out; whole messages out, or a clear end."""

import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.bridge.wire.connection import PIECE, IBConnection

Pair = tuple[IBConnection, socket.socket]


class Kept:
    """Takes what the connection hands over besides frames, in its order."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def arrived(self) -> None:
        """A batch is here."""
        self.calls.append("arrived")

    def ticks(self, frames: bytes) -> None:
        """Ticks."""
        self.calls.append(frames)

    def unreadable(self, what: str, why: str, row: str) -> None:
        """A frame that is none."""
        self.calls.append((what, why, row))

    abandoned = False

    def commit(self, *, more: bool) -> None:
        """The batch was handed out."""
        self.calls.append(more)


def framed(body: bytes) -> bytes:
    """A body behind its length."""
    return struct.pack("!I", len(body)) + body


def connected(timeout_s: float = 60.0) -> Pair:
    """A connection and the gateway's end of it, which has a minute for what takes an instant."""
    ours, theirs = socket.socketpair()
    connection = IBConnection("test", 0, Kept(), send_timeout_s=timeout_s)
    ours.settimeout(timeout_s)
    connection.socket = ours
    return connection, theirs


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A connection and the gateway's end of it, closed afterwards."""
    connection, theirs = connected()
    yield connection, theirs
    connection.disconnect()
    theirs.close()


def eventually(holds: Callable[[], Any]) -> None:
    """Wait for a condition, at most a minute."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=20), st.integers(1, 500))
def test_frames_survive_any_segmentation(bodies: list[bytes], segment: int) -> None:
    """However the stream is cut, the same frames come out in the same order."""
    connection, theirs = connected()
    stream = b"".join(map(framed, bodies))

    def write() -> None:
        for start in range(0, len(stream), segment):
            theirs.sendall(stream[start : start + segment])

    writer = threading.Thread(target=write)
    writer.start()
    assert [connection.get() for _ in bodies] == bodies
    writer.join()
    assert connection.empty()
    connection.disconnect()
    theirs.close()


@pytest.mark.parametrize("total", [4096, 8192, 65536])
def test_a_chunk_of_exactly_the_buffer_size_is_not_lost(pair: Pair, total: int) -> None:
    """The official reader loses 4096 bytes when nothing follows; here they are there at once."""
    connection, theirs = pair
    body = b"x" * (total // 4 - 4)
    theirs.sendall(framed(body) * 4)
    assert [connection.get() for _ in range(4)] == [body] * 4


def test_a_large_backlog_is_read_whole(pair: Pair) -> None:
    """100 000 frames in one go, each once."""
    connection, theirs = pair
    writer = threading.Thread(target=lambda: theirs.sendall(framed(b"tick" * 5) * 100_000))
    writer.start()
    assert {connection.get() for _ in range(100_000)} == {b"tick" * 5}
    writer.join()
    assert connection.empty()


def test_a_message_is_sent_whole_however_large(pair: Pair) -> None:
    """8 MB go out complete, where a single send() would have kept two thirds back."""
    connection, theirs = pair
    received = bytearray()

    def read() -> None:
        while len(received) < 8_000_000:
            received.extend(theirs.recv(1 << 20))

    reader = threading.Thread(target=read)
    reader.start()
    assert connection.sendMsg(b"m" * 8_000_000) == 8_000_000
    reader.join()
    assert (len(received), connection.sent) == (8_000_000, 1)


def test_a_gateway_that_stops_reading_ends_the_connection() -> None:
    """A send that does not get through raises, and the connection is over: half a message may have gone out."""
    connection, theirs = connected(timeout_s=0.1)
    with pytest.raises(TimeoutError):
        connection.sendMsg(b"m" * 50_000_000)
    assert (connection.sent, "a send failed" in connection.failure) == (0, True)
    with pytest.raises(queue.Empty):
        connection.get()
    assert connection.socket is None
    with pytest.raises(OSError, match="not connected"):
        connection.sendMsg(b"more")
    theirs.close()


def test_silence_is_not_an_end(pair: Pair) -> None:
    """No frame for a while: Empty, and the connection stays."""
    connection, _ = pair
    assert connection.socket is not None
    connection.socket.settimeout(0.01)
    with pytest.raises(queue.Empty):
        connection.get()
    assert connection.socket is not None


def test_what_came_before_the_end_is_delivered(pair: Pair) -> None:
    """Frames that arrived are handed out before the end of the stream is noticed."""
    connection, theirs = pair
    theirs.sendall(framed(b"last words") + framed(b"cut off")[:-2])
    theirs.close()
    assert connection.get() == b"last words"
    with pytest.raises(queue.Empty):
        connection.get()
    assert (connection.socket, connection.failure) == (None, "the gateway closed the connection")


def test_a_length_that_cannot_be_is_the_end(pair: Pair) -> None:
    """Out of step with the frames, nothing that follows can be trusted."""
    connection, theirs = pair
    theirs.sendall(b"HTTP/1.1 400 Bad Request")
    with pytest.raises(queue.Empty):
        connection.get()
    assert "not an IB message" in connection.failure
    assert connection.empty()


def test_stop_lets_what_was_sent_arrive(pair: Pair) -> None:
    """A half-close: our last message is read by the gateway, its backlog is dropped by us."""
    connection, theirs = pair
    theirs.sendall(framed(b"backlog") * 1000)
    connection.sendMsg(b"cancel")
    connection.stop()
    assert theirs.recv(100) == b"cancel"
    assert theirs.recv(100) == b""
    theirs.close()
    with pytest.raises(queue.Empty):
        connection.get()
    assert connection.empty()


def test_abort_wakes_a_waiting_reader() -> None:
    """A reader in the middle of a wait, which would be a long one, ends."""
    connection, theirs = connected(timeout_s=1_000.0)

    def read() -> None:
        with pytest.raises(queue.Empty):
            connection.get()

    reader = threading.Thread(target=read)
    reader.start()
    eventually(reader.is_alive)
    connection.abort()
    reader.join(60)
    assert not reader.is_alive()
    connection.disconnect()
    theirs.close()


def test_the_first_frame_has_a_deadline(pair: Pair) -> None:
    """A handshake that stays half told is given up."""
    connection, theirs = pair
    theirs.sendall(framed(b"200\0time\0")[:6])
    with pytest.raises(TimeoutError):
        connection.first_frame(time.monotonic() + 0.05)


def test_ticks_are_handed_over_between_the_frames_around_them(pair: Pair) -> None:
    """Whole runs of ticks, as they came, in their place; a batch ends when nothing is left of it."""
    connection, theirs = pair
    connection.tick_heads = (b"1\0", b"45\0")
    ticks = [framed(b"1\x006\x007\x00"), framed(b"45\x006\x007\x00"), framed(b"1\x006\x008\x00")]
    theirs.sendall(ticks[0] + ticks[1] + framed(b"4\x00error\x00") + ticks[2] + framed(b"451\x00") + framed(b"1"))
    assert [connection.get() for _ in range(3)] == [b"4\x00error\x00", b"451\x00", b"1"]
    theirs.sendall(ticks[0][:5])
    theirs.close()
    with pytest.raises(queue.Empty):
        connection.get()
    calls = connection._sink.calls  # type: ignore[attr-defined]
    assert [call for call in calls if isinstance(call, bytes)] == [ticks[0] + ticks[1], ticks[2]]
    assert calls[0] is False  # nothing had been received when the first frame was asked for
    assert calls[1] == "arrived"


def test_a_long_run_of_ticks_is_handed_over_in_pieces(pair: Pair) -> None:
    """Each of whole frames: the loop gets its turns between them."""
    connection, theirs = pair
    connection.tick_heads = (b"1\0",)
    tick = framed(b"1\x006\x007\x00")
    writer = threading.Thread(target=theirs.sendall, args=(tick * 20_000 + framed(b"the end"),))
    writer.start()
    assert connection.get() == b"the end"
    writer.join()
    pieces = [call for call in connection._sink.calls if isinstance(call, bytes)]  # type: ignore[attr-defined]
    assert b"".join(pieces) == tick * 20_000
    assert all(len(piece) % len(tick) == 0 and len(piece) <= PIECE + len(tick) for piece in pieces)
