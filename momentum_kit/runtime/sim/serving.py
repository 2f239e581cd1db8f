"""Serves a scenario or an archive day on a port until told to stop, for `momentum-kit sim`; starts it as a process."""

import asyncio
import gc
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from momentum_kit.errors import ArchiveError, EngineError, InputError, MomentumKitError
from momentum_kit.private_files import open_private
from momentum_kit.runtime.sim.archive_day import ArchiveDay
from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway import SimulatedGateway, load_scenario
from momentum_kit.simgateway.embedding import SWITCHES, BrokerAssumptions, Market, RealDay, open_bar_market
from momentum_kit.storage.archive import Archive

START_TIMEOUT_S = 60.0
STATUS_S = 0.5


def archive_market(folder: Path, day: date, seed: int | None = None) -> Market:
    """The market of one archive day, the earlier days of its symbols as history; ArchiveError if there is none.

    A day with 5 s bars is told as recorded, with its own headlines; one with minutes alone is walked through.
    """
    if ArchiveDay.recorded(folder, day):
        return ArchiveDay(folder, day).market(seed)
    archive = Archive(folder)
    if not (symbols := archive.symbols(day)):
        known = archive.days()
        held = f"its days: {known[0]} to {known[-1]}" if known else "nor of any other day"
        raise ArchiveError(f"{folder}: no bars of {day}; {held}")
    days: dict[str, dict[date, RealDay]] = {}
    for symbol in symbols:
        earlier = [known for known in archive.days(symbol) if known <= day]
        days[symbol] = {known: RealDay(archive.bars(symbol, known), archive.quotes(symbol, known)) for known in earlier}
    return open_bar_market(load_scenario("archive", seed, day), days)


def make_gateway(
    *,
    scenario: str = "demo",
    port: int = 0,
    seed: int | None = None,
    speed: float = 1.0,
    server_version: int = 200,
    lock_step_s: float | None = None,
    archive: Path | None = None,
    day: date | None = None,
    assumptions: Mapping[str, Any] | None = None,
) -> SimulatedGateway:
    """A gateway for a named scenario, or for a day of an archive; ScenarioError or ArchiveError if there is none."""
    served = archive_market(archive, day, seed) if archive and day else load_scenario(scenario, seed)
    return SimulatedGateway(
        served,
        port=port,
        server_version=server_version,
        speed=speed,
        lock_step_s=lock_step_s,
        assumptions=assumptions,
    )


def answers_of(pairs: Sequence[str]) -> dict[str, Any]:
    """NAME=ALTERNATIVE as `--assume` takes it; delays are numbers. Unknown names are refused by the gateway."""
    answers: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--assume {pair}: expected NAME=ALTERNATIVE; --assumptions lists them")
        answers[name] = int(value) if value.isdigit() else value
    return answers


def open_questions() -> tuple[list[dict[str, Any]], str]:
    """Every switch of the simulated broker: as values, and as text with the default marked by a star."""
    chosen, rows, lines = BrokerAssumptions(), [asdict(switch) for switch in SWITCHES], []
    for switch in SWITCHES:
        lines.append(f"{switch.name}: {switch.question}")
        for each in switch.alternatives:
            star = "*" if each.name == getattr(chosen, switch.name) else " "
            lines.append(f"  {star} {each.name}  {each.basis.upper()}  {each.source}")
    for row in rows:
        row["default"] = getattr(chosen, row["name"])
    return rows, "\n".join(lines)


def status_line(gateway: SimulatedGateway) -> str:
    """Who is connected, what time the market has, how many orders work, and the last fault: one line."""
    hub = gateway.hub
    clients = ", ".join(str(session.client_id) for session in hub.sessions()) or "none"
    orders = hub.broker.truth()["orders"]
    working = sum(order["open"] for order in orders)
    line = f"{hub.now.astimezone(NEW_YORK):%H:%M:%S} New York | clients {clients} | orders {working} of {len(orders)}"
    faults = hub.faults.log
    return f"{line} | faults {len(faults)}, last {faults[-1]['kind']}" if faults else line


async def _show_status(gateway: SimulatedGateway) -> None:
    console = Console(stderr=True)
    if not console.is_terminal:
        return
    with console.status(status_line(gateway)) as shown:
        while True:
            await asyncio.sleep(STATUS_S)
            shown.update(status_line(gateway))


async def serve_gateway(gateway: SimulatedGateway, *, as_json: bool, with_stdin: bool = False) -> dict[str, Any]:
    """Serve until SIGTERM or SIGINT; returns what the gateway itself knows: orders, fills, cash, what was planted.

    with_stdin: stop at the end of standard input as well.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if with_stdin:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end, sys.stdin.fileno(), stopped)
    gc.collect()
    gc.freeze()  # the market that was built stays: to look through it again and again would delay answers by 50 ms
    async with gateway:
        words = json.dumps({"port": gateway.port}) if as_json else f"simulated gateway on 127.0.0.1:{gateway.port}"
        print(words, flush=True)  # noqa: T201  (whoever started us waits for this line)
        status = asyncio.create_task(_show_status(gateway), name="status line")
        await stopped.wait()
        status.cancel()
        with suppress(asyncio.CancelledError):
            await status
        return gateway.truth()


def _stop_at_end(descriptor: int, stopped: asyncio.Event) -> None:
    if not os.read(descriptor, 4096):
        stopped.set()


@contextmanager
def gateway_process(arguments: Sequence[str], errors: Path) -> Iterator[int]:
    """Run `momentum-kit sim --json ARGUMENTS` in a process of its own; yields the port it listens on.

    errors: a file for what it has to say on stderr. It ends with this process, however that ends: a pipe tells it.
    """
    with open(errors, "w", opener=open_private) as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.cli", "sim", "--json", "--stop-with-stdin", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            text=True,
        )
    assert process.stdout
    try:
        ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
        line = process.stdout.readline() if ready else ""
        if not line:
            raise _start_error(process, errors)
        yield json.loads(line)["port"]
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe
            pipe.close()


def _start_error(process: "subprocess.Popen[str]", errors: Path) -> MomentumKitError:
    process.terminate()
    status = process.wait(timeout=20)
    words = errors.read_text().strip().splitlines() or ["the simulated gateway did not start"]
    return InputError(words[-1]) if status == InputError.exit_status else EngineError(words[-1])
