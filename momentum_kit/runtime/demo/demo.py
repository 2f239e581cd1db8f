"""Runs `momentum-kit demo`, the whole product on one screen: gateway, engine and kernel in processes of their own."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from momentum_kit.config import load_config
from momentum_kit.errors import EngineError, MomentumKitError
from momentum_kit.json_text import parse_json
from momentum_kit.models import EngineStatus, TradingState
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.engine import EngineProcess, new_run_dir
from momentum_kit.runtime.production import RunOutcome, run_notebook, run_summary, write_summary
from momentum_kit.runtime.sim import gateway_process
from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway import load_scenario

LAST_STRETCH = timedelta(minutes=3)  # the market that is left for closing what is still held
ARCHIVE_NOTE = "real minute bars; inside a minute the market walks a seeded path through open, high, low and close"

Progress = Callable[[EngineStatus], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What to show.

    speed: market seconds per wall second at most, None takes the configuration's. archive and day: real bars instead
    of a scenario. overrides: dotted settings, such as one threshold. server_version: the gateway's; which wire carries
    the session changes no decision.
    """

    scenario: str = "demo"
    seed: int = 7
    speed: float | None = None
    archive: Path | None = None
    day: date | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    server_version: int = 200


def run_demo(demo: Demo, project: Path, progress: Progress) -> tuple[dict[str, Any], RunOutcome]:
    """Run it and return its summary (also written to the run folder) and how it ended.

    progress is called a few times a second, on a thread of its own, with the engine's status.
    """
    config = project / "config" / ("demo_archive.yaml" if demo.archive else "demo.yaml")
    settings = load_config(config, demo.overrides)
    served = load_scenario("archive", demo.seed, demo.day) if demo.archive else load_scenario(demo.scenario, demo.seed)
    out = new_run_dir(settings, project)
    truth_file = out / "truth.json"
    started = time.perf_counter()
    with gateway_process(_gateway_arguments(demo, settings.clock.beat_s, truth_file), out / "gateway.err") as port:
        pace = {"clock.rate": demo.speed} if demo.speed else {}
        # its account ends with its gateway: what it intended belongs to the run, not to the project
        overrides = {"broker.port": port, "storage.data_dir": str(out.resolve()), **pace, **demo.overrides}
        watcher = _Watcher(progress)
        outcome = run_notebook(
            project / "notebooks" / "production.ipynb",
            config,
            {"host": "127.0.0.1", "port": port, "until": (served.ends_at - LAST_STRETCH).isoformat()},
            overrides,
            out,
            watcher.start,
        )
        watcher.stop()
    if not (out / "journal.db").is_file():
        raise EngineError(f"the demo left no journal: {outcome.failure}")
    truth = parse_json(truth_file.read_text(encoding="utf-8")) if truth_file.is_file() else None
    notes = [ARCHIVE_NOTE] if demo.archive else []
    extra = {
        "title": f"{demo.archive} {demo.day}" if demo.archive else f"scenario {demo.scenario}, seed {demo.seed}",
        "seed": demo.seed,
        "wall_s": round(time.perf_counter() - started, 1),
        "notes": notes,
    }
    summary = run_summary(out, truth, extra)
    if not outcome.failure:
        write_summary(out, summary)
    return summary, outcome


def _gateway_arguments(demo: Demo, step_s: float, truth: Path) -> list[str]:
    arguments = ["--port", "0", "--seed", str(demo.seed), "--lock-step", str(step_s), "--truth", str(truth)]
    arguments += ["--server-version", str(demo.server_version)]
    if demo.archive:
        return [*arguments, "--archive", str(demo.archive), "--date", str(demo.day)]
    return [*arguments, "--scenario", demo.scenario]


class _Watcher:
    """Asks the engine for its status while the notebook runs."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, engine: EngineProcess) -> None:
        self._thread = threading.Thread(target=self._watch, args=(ControlClient(engine.address),), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _watch(self, client: ControlClient) -> None:
        while not self._ended.wait(0.25):
            try:
                status = client.status()
            except MomentumKitError:
                return  # the engine has ended
            self._progress(status)
            if status.state is TradingState.STOPPED:
                return


@contextmanager
def demo_progress(console: Console) -> Iterator[Progress]:
    """Yields what to call with each status: market time and counts on a terminal, nothing in a pipe."""
    if not console.is_terminal:
        yield lambda _status: None
        return
    with console.status("starting gateway, engine and kernel ...") as line:

        def show(status: EngineStatus) -> None:
            counts = status.counts
            line.update(
                f"{status.market_time.astimezone(NEW_YORK):%H:%M:%S} New York  "
                f"[bold]{counts.get('headlines', 0)}[/] headlines  [bold]{counts.get('signals', 0)}[/] signals  "
                f"[bold]{len(status.positions)}[/] open  "
                f"P&L {status.realised_usd + status.unrealised_usd - status.costs_usd:+,.2f} USD"
            )

        yield show
