"""How fast the bridge takes what a gateway sends; `momentum-kit bench bridge`."""

import socket
import struct
import threading
import time

from momentum_kit.bridge.connection import IBConnection

from momentum_kit.runtime.bench import Row

FRAMES = 100_000
BODY = b"tick" * 5


def measure() -> list[Row]:
    """All rows. Reading is linear in the bytes: no frame pays for those behind it."""
    seconds = _backlog_s()
    return [Row(f"a backlog of {FRAMES:,} frames, read", round(seconds, 2), "s", goal=3, least=False)]


def _backlog_s() -> float:
    ours, theirs = socket.socketpair()
    connection = IBConnection("bench", 0)
    connection.socket = ours
    frames = (struct.pack("!I", len(BODY)) + BODY) * FRAMES
    writer = threading.Thread(target=theirs.sendall, args=(frames,))
    writer.start()
    started = time.perf_counter()
    for _ in range(FRAMES):
        connection.get()
    seconds = time.perf_counter() - started
    writer.join()
    connection.disconnect()
    theirs.close()
    return seconds
