"""Four trips through the house, counted by running them: which files of the package are executed on the way.

python tests/architecture/trips.py [--only live|sweep] [--repeat 3] [--json]

- headline to order: from the headline's frame at the socket to the last byte of its bracket; beats go on meanwhile
- fill to journal: an execution's frame alone, until the engine rests, and then the call that writes its row
- panel click to broker: from the click on Flatten, while the market stands still, to the first order that it sends
- sweep to exported thresholds: `momentum-kit research sweep`, `validate` and `export`

A file counts if one of its functions is called between start and end, in any thread of kernel and engine, which share
a process here; a compiled loop counts with the loops that it calls. Not counted: models, errors and the simulated
gateway, which is the broker; what runs only because a module is imported; and functions that the engine calls by the
wall clock anyway, such as its heartbeat (they are taken down first, while the market stands still). `~` marks a file
that a beat of an idle session executes as well, so that a person can tell the way from the rhythm. Each trip is made a
few times; what was not executed every time is told apart.
"""

import argparse
import gc
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from trail import PACKAGE, PATIENCE_S, Files, Line, Trail

from momentum_kit import Kit

PLACE, EXECUTION = b"3", b"11"  # placeOrder, execDetails
HEADLINE, STEPPED = b"84", b"109"  # tickNews, currentTimeInMillis: the market has moved
ANY = b""
LEGS, IDLE_BEATS = 3, 60  # of a bracket; of a session to which nothing happens
LIVE = ("headline to order", "fill to journal", "panel click to broker")
SWEEP, IDLE = "sweep to exported thresholds", "idle"
MARKET = """{day: 2026-11-20, start: "09:30", end: "11:00", history_sessions: 12,
  universe: {small_caps: 4, large_caps: 0}, news: {planted: 1, earlier: 0}}"""  # one headline, and a surge after it
GRID = {  # notebook 03's: on the sample it has a plateau, without which nothing can be exported
    "min_z_tod": "2,4,6,8,10,12", "min_rvol_bar": "2,4,6,8", "max_spread_bps": "100,70,50,35,25",
    "min_dollar_volume_60s_usd": "50000,100000,150000,250000", "min_rvol_cum": "0.5", "max_spread_share": "0.5",
}  # fmt: skip


def until(condition: Callable[[], object], what: str) -> None:
    """Return once it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def live(project: Path) -> dict[str, Files]:
    """The first three trips in one session, and what idle beats execute."""
    (project / "market.yaml").write_text(MARKET)
    line = [sys.executable, "-m", "momentum_kit.cli", "sim", "--json", "--port", "0", "--stop-with-stdin"]
    line += ["--lock-step", "1", "--seed", "8", "--scenario", str(project / "market.yaml")]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout
        assert gateway.stdin
        port = json.loads(gateway.stdout.readline())["port"]
        try:
            return session(port)
        finally:
            gateway.stdin.close()


def session(port: int) -> dict[str, Files]:
    """Drive one session message by message."""
    found: dict[str, Files] = {}
    trail, wire, orders = Trail(), Line(port), [0]
    threading.setprofile(trail)
    kit = Kit.open_sync("config/demo.yaml", port=port, in_process=True)
    kit.start_sync(until="close-5m")  # reads the calendar on this thread: the engine, profiled, would be slow at it

    def count_orders(kind: bytes) -> None:
        orders[0] += kind == PLACE
        if orders[0] == LEGS:
            trail.on = False

    wire.sent = count_orders
    wire.hold(STEPPED, 5)
    trail.rest()
    trail.begin()
    wire.hold(STEPPED, IDLE_BEATS)
    found[IDLE] = trail.end()

    wire.hold(HEADLINE)
    trail.begin()
    wire.hold(EXECUTION)
    found[LIVE[0]] = trail.end()

    trail.begin()
    wire.hold(ANY)  # the execution has been handed over, and nothing else
    trail.rest()
    trail.awaits_write = True
    wire.hold(STEPPED, 2)
    found[LIVE[1]] = trail.end()

    until(lambda: kit.status().positions, "nothing is held")
    found[LIVE[2]] = click(kit, trail, wire)
    wire.free()
    kit.stop_sync()
    return found


def click(kit: Kit, trail: Trail, wire: Line) -> Files:
    """From the panel's Flatten to the order."""
    import ipywidgets  # type: ignore[import-untyped]

    threading.setprofile(None)  # the panel's own painting is no trip
    panel = kit.panel()
    threading.setprofile(trail)
    buttons = [each for each in gc.get_objects() if isinstance(each, ipywidgets.Button)]
    flatten = next(each for each in buttons if each.description == "Flatten")
    until(lambda: not flatten.disabled, "Flatten stays closed")
    trail.rest()
    sent = threading.Event()

    def stop(kind: bytes) -> None:
        if kind == PLACE:
            trail.on = False
            sent.set()

    wire.sent = stop
    sys.setprofile(trail)
    trail.begin()
    flatten.click()
    sys.setprofile(None)
    if not sent.wait(PATIENCE_S):
        raise TimeoutError("no order was sent")
    found = trail.end()
    panel.close()
    return found


def sweep(project: Path) -> dict[str, Files]:
    """The fourth: three commands one after the other, as a person types them."""
    from numba.core.dispatcher import Dispatcher

    from momentum_kit.cli import main

    trail, plain = Trail(), Dispatcher.__call__

    def call(loop: Any, *given: Any, **named: Any) -> Any:
        trail.take_compiled(loop)
        return plain(loop, *given, **named)

    Dispatcher.__call__ = call  # type: ignore[method-assign, assignment]
    axes = [word for name, values in GRID.items() for word in ("--axis", f"{name}={values}")]
    study = ["--archive", str(project / "data" / "sample"), "--study", str(project / "study")]
    trail.begin()
    threading.setprofile(trail)
    sys.setprofile(trail)
    with redirect_stdout(io.StringIO()) as said:
        statuses = [
            main(["research", "sweep", *axes, *study]),
            main(["research", "validate", *study]),
            main(["research", "export", "trip", "--despite", "to count files", *study]),
        ]
    sys.setprofile(None)
    if any(statuses):
        raise RuntimeError(said.getvalue())
    return {SWEEP: trail.end()}


def child(part: str) -> dict[str, Files]:
    """One part in a fresh process and a project of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("config", "data/sample"):
            shutil.copytree(PACKAGE.parent / name, Path(folder) / name)
        environment = {**os.environ, "MOMENTUM_KIT_STATE_DIR": f"{folder}/state"}
        if part == "sweep":
            events = [sys.executable, "-m", "momentum_kit.cli", "research", "events"]
            study = ["--archive", "data/sample", "--study", "study"]
            subprocess.run([*events, *study], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        words = [sys.executable, str(Path(__file__).resolve()), "--child", part]
        done = subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    trips: dict[str, Files] = json.loads(done.stdout.splitlines()[-1])
    return trips


def main() -> None:
    """Make the trips and print their files."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", choices=PARTS)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--child", choices=PARTS, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        sys.stdout.write(json.dumps(PARTS[given.child](Path.cwd())) + "\n")
        return
    trips: dict[str, Any] = {}
    for part in [given.only] if given.only else PARTS:
        runs = [child(part) for _ in range(given.repeat)]
        idle = runs[0].pop(IDLE, {})
        for name, first in runs[0].items():
            always = [file for file in first if all(file in run[name] for run in runs)]
            trips[name] = {
                "files": len(always),
                "not in an idle beat": len(set(always) - set(idle)),
                "on the way": [("~ " if file in idle else "  ") + f"{file}  {first[file]}" for file in always],
                "not every time": sorted({file for run in runs for file in run[name]} - set(always)),
            }
    sys.stdout.write((json.dumps(trips) if given.json else as_text(trips)) + "\n")


def as_text(trips: dict[str, Any]) -> str:
    """A trip a paragraph, a file a line."""
    lines = []
    for name, trip in trips.items():
        lines.append(f"{name}: {trip['files']} files, {trip['not in an idle beat']} of them not in an idle beat")
        lines += [f"  {each}" for each in trip["on the way"]]
        lines += [f"  not every time: {each}" for each in trip["not every time"]] + [""]
    return "\n".join(lines)


PARTS: dict[str, Callable[[Path], dict[str, Files]]] = {"live": live, "sweep": sweep}

if __name__ == "__main__":
    main()
