"""A gateway in a process of its own that tells between which two times each message reached it.

`python tests/helpers/counting_gateway.py`: prints its port, serves one connection after the other, and prints the
times (pairs of time.monotonic, one line of JSON) when its stdin closes. On a busy machine it reads late, and what came
one after the other lies there together: a message came after the look that did not find it and before the one that did.
"""

import json
import selectors
import socket
import struct
import sys
import time

LOOK_S = 0.001  # between two looks at what has come
GREETING = (("15", "1", "DU9000001"), ("9", "1", "1"))


def frame(*fields: str) -> bytes:
    """One text message of server version 200."""
    body = b"".join(field.encode() + b"\0" for field in fields)
    return struct.pack("!I", len(body)) + body


def serve(listener: socket.socket, stopped: selectors.BaseSelector, times: list[tuple[float, float]]) -> None:
    """Take connections, one after the other, until stdin closes."""
    while not stopped.select(0):
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        connection.settimeout(LOOK_S)
        count(connection, stopped, times)
        connection.close()


def count(connection: socket.socket, stopped: selectors.BaseSelector, times: list[tuple[float, float]]) -> None:
    """Shake hands, then note when each whole message came."""
    data, messages = b"", -2  # the hello and START_API
    before = looked = time.monotonic()
    while not stopped.select(0):
        before, looked = looked, time.monotonic()
        try:
            chunk = connection.recv(1 << 16)
        except TimeoutError:
            continue
        except OSError:
            return
        if not chunk:
            return
        data += chunk
        if messages == -2 and data.startswith(b"API\0"):
            data = data[4:]
        while len(data) >= 4 and len(data) >= 4 + (size := struct.unpack("!I", data[:4])[0]):
            data = data[4 + size :]
            messages += 1
            if messages == -1:
                connection.sendall(frame("200", "20260405 23:49:26 UTC"))
            elif messages == 0:
                connection.sendall(b"".join(frame(*each) for each in GREETING))
            else:
                times.append((before, time.monotonic()))


def say(value: object) -> None:
    """One line of JSON for whoever started us."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Listen, serve, tell."""
    times: list[tuple[float, float]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener, selectors.DefaultSelector() as stopped:
        listener.settimeout(0.2)
        stopped.register(sys.stdin, selectors.EVENT_READ)
        say(listener.getsockname()[1])
        serve(listener, stopped, times)
    say(times)


if __name__ == "__main__":
    main()
