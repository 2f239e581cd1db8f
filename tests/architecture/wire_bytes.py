"""What the engine sends to its gateway, byte by byte: in a demo, in a kill, and in a recovery, each in lock-step.

python tests/architecture/wire_bytes.py OUT [RUN ...] [--server-version 200] [--seed 7]

Writes OUT/RUN_VERSION.txt: one line a message, escaped, without its length; `cmp` says whether two trees send the same.
Three things differ by nature, from run to run of one tree, and are not compared. The ids of our intents (mk- and 24
hex digits) are drawn at random. Tasks that ask for different things at the same time, as at a session's start and end,
do so in any order: between two steps or orders the other requests are sorted; steps, placeOrder and cancelOrder keep
their places. And request ids (from 1,000,000,000 on) follow that order. Ids are numbered as they first appear here.

Between engine and gateway stands a proxy that knows frames. In lock-step the market moves only when the engine asks for
a step; the proxy can keep that one request back, and then everything stands still: here a kill comes, or a death.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import momentum_kit
from momentum_kit import Kit

CONFIG = Path(momentum_kit.__file__).resolve().parents[1] / "config"
PLACE, CANCEL, STEP = 3, 4, 105  # placeOrder, cancelOrder, reqCurrentTimeInMillis: it moves a market in lock-step
# ids of intents, and of requests as text and as a protobuf field
IDS = re.compile(rb"mk-[0-9a-f]{24}|(?<![0-9])10000[0-9]{5}(?![0-9])|(?<=\x08)[\x80-\xff][\x94-\x9b]\xeb\xdc\x03")
CONNECTION = b"-- a connection"
PATIENCE_S = 120.0
REST_S = 0.5  # without a message either way nothing is under way any more
UNTIL = "10:57"  # New York; the demo's market ends at 11:00
STEPS_AFTER = 10  # of the session that took over, until it is told to stop


def message_id(frame: bytes) -> int:
    """Of a request: digits up to a zero, or four raw bytes, 200 more where protobuf follows; 0 for what is none."""
    if frame.startswith((b"v", CONNECTION)):
        return 0
    head = frame.partition(b"\0")[0]
    number = int(head) if head.isdigit() else int.from_bytes(frame[:4], "big")
    return number - 200 if number > 200 else number


class Tap:
    """A proxy on a port: keeps what goes to the gateway, and can hold a step back."""

    def __init__(self, target: int) -> None:
        self.frames: list[bytes] = []
        self.steps = self.orders = 0
        self._hold_at: Callable[[], bool] = lambda: False
        self._held = threading.Event()
        self._kept: Callable[[], None] = lambda: None
        self._moved_at = time.monotonic()
        self._target = target
        self._threads: list[threading.Thread] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def hold_when(self, condition: Callable[[], bool]) -> None:
        """Hold the first step back at which this is true; returns once it is held and nothing is under way."""
        self._held.clear()
        self._hold_at = condition
        if not self._held.wait(PATIENCE_S):
            raise TimeoutError("no step to hold back")
        self.rest()

    def rest(self) -> None:
        """Return once nothing has passed for a while."""
        while time.monotonic() - self._moved_at < REST_S:
            time.sleep(0.05)

    def release(self) -> None:
        """Let the step through."""
        self._kept()

    def ended(self) -> None:
        """Return once every connection so far is closed on both sides."""
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return  # closed
            far = socket.create_connection(("127.0.0.1", self._target))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.frames.append(CONNECTION)
            pair = [threading.Thread(target=way, args=(near, far), daemon=True) for way in (self._forth, self._back)]
            self._threads += pair
            for thread in pair:
                thread.start()

    def _back(self, near: socket.socket, far: socket.socket) -> None:
        while chunk := _received(far, 1 << 16):
            self._moved_at = time.monotonic()
            _send(near, chunk)
        near.close()

    def _forth(self, near: socket.socket, far: socket.socket) -> None:
        _send(far, _whole(near, 4))  # API and a zero, before the first length
        while len(head := _whole(near, 4)) == 4:
            frame = _whole(near, int.from_bytes(head, "big"))
            self._moved_at = time.monotonic()
            self.frames.append(frame)
            number = message_id(frame)
            self.orders += number == PLACE
            self.steps += number == STEP
            if number == STEP and self._hold_at():
                self._hold_at = lambda: False
                self._kept = lambda step=head + frame: _send(far, step)  # type: ignore[misc]
                self._held.set()  # what else is sent meanwhile goes through
            else:
                _send(far, head + frame)
        _shut(far)


def _received(end: socket.socket, size: int) -> bytes:
    try:
        return end.recv(size)
    except OSError:
        return b""  # reset: the engine was killed


def _send(end: socket.socket, content: bytes) -> None:
    try:
        end.sendall(content)
    except OSError:
        _shut(end)  # whoever it was for has gone


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_WR)
    except OSError:
        end.close()


def _whole(end: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (chunk := _received(end, size - len(found))):
        found += chunk
    return found


@contextmanager
def tapped(seed: int, server_version: int) -> Iterator[Tap]:
    """A gateway in lock-step in a process of its own, and the proxy before it."""
    command = [sys.executable, "-m", "momentum_kit.cli", "sim", "--json", "--port", "0", "--stop-with-stdin"]
    command += ["--seed", str(seed), "--lock-step", "1", "--server-version", str(server_version)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout
        assert gateway.stdin
        tap = Tap(json.loads(gateway.stdout.readline())["port"])
        yield tap
        tap.ended()
        tap.close()
        gateway.stdin.close()


def opened(tap: Tap) -> Kit:
    """A session at the tap, its engine in a process of its own."""
    kit = Kit.open_sync("config/demo.yaml", port=tap.port)
    kit.start_sync(until=UNTIL)
    return kit


def command(name: str, tap: Tap) -> None:
    """`momentum-kit NAME` while the market stands still; then it goes on."""
    line = [sys.executable, "-m", "momentum_kit.cli", name, "--config", "config/demo.yaml", "--port", str(tap.port)]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    tap.rest()
    tap.release()


def demo(tap: Tap) -> None:
    """A session from the open to its end."""
    opened(tap).wait_sync()


def kill(tap: Tap) -> None:
    """A session that is killed when it holds its first position."""
    kit = opened(tap)
    tap.hold_when(lambda: tap.orders > 0 and bool(kit.status().positions))
    command("kill", tap)
    kit.wait_sync()


def recovery(tap: Tap) -> None:
    """An engine dies with a position and its bracket; another one takes over, goes on, and is stopped."""
    dead = opened(tap)
    tap.hold_when(lambda: tap.orders > 0 and bool(dead.status().positions))
    os.kill(dead.status().pid, signal.SIGKILL)
    tap.ended()
    kit, before = opened(tap), tap.steps
    tap.hold_when(lambda: tap.steps >= before + STEPS_AFTER)
    command("stop", tap)
    kit.wait_sync()


def written(frames: list[bytes]) -> str:
    """One line a message; ids are numbered, at their own length."""
    numbers: dict[bytes, int] = {}

    def place(frame: bytes) -> tuple[bytes, list[float]]:
        return IDS.sub(b"", frame), [numbers.get(each, float("inf")) for each in IDS.findall(frame)]

    def numbered(found: re.Match[bytes]) -> bytes:
        number = numbers.setdefault(found[0], len(numbers) + 1)
        return found[0][:3] + str(number).encode().zfill(len(found[0]) - 3) if len(found[0]) > 5 else b"%05d" % number

    lines: list[str] = []
    for in_place, some in groupby(frames, lambda frame: message_id(frame) in (0, PLACE, CANCEL, STEP)):
        group = list(some)
        if not in_place:
            group.sort(key=place)
        if CONNECTION in group:  # its request ids begin anew
            numbers = {each: number for each, number in numbers.items() if each.startswith(b"mk-")}
        lines += [repr(IDS.sub(numbered, frame))[2:-1].replace(r"\x00", "|") for frame in group]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make the runs."""
    runs: dict[str, Callable[[Tap], None]] = {"demo": demo, "kill": kill, "recovery": recovery}
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("runs", nargs="*", default=[*runs])
    arguments.add_argument("--server-version", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=7)
    given = arguments.parse_args()
    out = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    for name in given.runs:
        with tempfile.TemporaryDirectory() as project:
            shutil.copytree(CONFIG, Path(project) / "config")
            os.environ["MOMENTUM_KIT_STATE_DIR"] = f"{project}/state"
            os.chdir(project)
            with tapped(given.seed, given.server_version) as tap:
                runs[name](tap)
            file = out / f"{name}_{given.server_version}.txt"
            file.write_text(written(tap.frames), encoding="ascii")
            sys.stdout.write(f"{file}: {len(tap.frames)} messages, {tap.orders} placeOrder\n")
            os.chdir(out)


if __name__ == "__main__":
    main()
