"""The gateway's process: serves a scenario, or an archive day, on a port until it is told to stop."""

import asyncio
import json
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from momentum_kit.errors import EngineError, InputError, MomentumKitError
from momentum_kit.simgateway import SimulatedGateway, load_scenario
from momentum_kit.simgateway.bar_market import RealDay, open_bar_market
from momentum_kit.simgateway.market import Market
from momentum_kit.storage.archive import Archive

START_TIMEOUT_S = 60.0


def archive_market(folder: Path, day: date, seed: int | None = None) -> Market:
    """The market of one archive day, the earlier days of its symbols as history; ArchiveError if there is none."""
    archive = Archive(folder)
    days: dict[str, dict[date, RealDay]] = {}
    for symbol in archive.symbols(day):
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
) -> SimulatedGateway:
    """A gateway for a named scenario, or for a day of an archive; ScenarioError or ArchiveError if there is none."""
    served = archive_market(archive, day, seed) if archive and day else load_scenario(scenario, seed)
    return SimulatedGateway(served, port=port, server_version=server_version, speed=speed, lock_step_s=lock_step_s)


async def serve_gateway(gateway: SimulatedGateway, *, as_json: bool) -> dict[str, Any]:
    """Serve until SIGTERM or SIGINT; returns what the gateway itself knows: orders, fills, cash, what was planted."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with gateway:
        words = json.dumps({"port": gateway.port}) if as_json else f"simulated gateway on 127.0.0.1:{gateway.port}"
        print(words, flush=True)  # noqa: T201  (whoever started us waits for this line)
        await stopped.wait()
        return gateway.truth()


@contextmanager
def gateway_process(arguments: Sequence[str], errors: Path) -> Iterator[int]:
    """Run `momentum-kit sim --json ARGUMENTS` in a process of its own; yields the port it listens on.

    errors: a file for what it has to say on stderr.
    """
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.cli", "sim", "--json", *arguments],
            stdin=subprocess.DEVNULL,
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
        process.stdout.close()


def _start_error(process: "subprocess.Popen[str]", errors: Path) -> MomentumKitError:
    process.terminate()
    status = process.wait(timeout=20)
    words = errors.read_text().strip().splitlines() or ["the simulated gateway did not start"]
    return InputError(words[-1]) if status == InputError.exit_status else EngineError(words[-1])
