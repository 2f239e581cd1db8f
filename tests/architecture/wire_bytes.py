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
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from wire_tap import CANCEL, CONNECTION, PLACE, STEP, Tap, message_id

import momentum_kit
from momentum_kit import Kit

CONFIG = Path(momentum_kit.__file__).resolve().parents[1] / "config"
# ids of intents, and of requests as text and as a protobuf field
IDS = re.compile(rb"mk-[0-9a-f]{24}|(?<![0-9])10000[0-9]{5}(?![0-9])|(?<=\x08)[\x80-\xff][\x94-\x9b]\xeb\xdc\x03")
UNTIL = "10:57"  # New York; the demo's market ends at 11:00
STEPS_AFTER = 10  # of the session that took over, until it is told to stop


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
