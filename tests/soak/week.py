"""`make week`: trading days one after the other as an operator lives them, in the simulator at speed.

    gateway (this process, a market a day, one account)  <-  engine  <-  kernel, by `momentum-kit run`, one a day

Two stretches of the calendar: the change of summer time with the weekly log-in between two sessions, and Thanksgiving
with the half day after it. In lock-step, so that speed changes no decision. A clean stretch has no crashes, and nobody
may be called more than twice in it; in the other each day's engine is killed where it holds something, once with all
that runs beside it, so that a position stays over a weekend with its stop.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import psutil
import yaml

from momentum_kit.config import load_config
from momentum_kit.errors import MomentumKitError
from momentum_kit.models import EngineStatus
from momentum_kit.notebook.review import Review
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.sessions import NEW_YORK, session_on
from momentum_kit.simgateway import Scenario, SimulatedGateway
from tests.helpers.alert_receiver import Receiver
from tests.helpers.ports import kept_port
from tests.soak.run import ROOT, _sample

STEP_S = 1.0
PATIENCE_S = 300.0
FLAT = 0.10  # more than that from the first to the last day's median is growth
MOST_PAGES = 2  # in a week without a fault
CENTS_USD = 0.05  # between sums of rounded amounts
SHOWN = ("entries", "round_trips", "net_pnl_usd")
Crash = Literal["", "engine", "machine"]
LogIn = Literal["", "late", "missed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is special about a day. crash: its engine is killed, or all that runs here; log_in: what of the human's."""

    day: date
    crash: Crash = ""
    log_in: LogIn = ""
    restart: bool = False  # the gateway goes and comes back in the middle of the session
    ids_anew: bool = False  # order ids begin anew, though an order of an earlier day still works


@dataclass(slots=True, kw_only=True)
class Lived:
    """What came of a day. held: con_id to shares at the broker when it was over; stops: working stops there.

    peak_mb: role to the most that its process had for itself. realised_usd: the broker's, of all days so far, net.
    """

    day: date
    exit_status: int
    wall_s: float
    held: dict[int, float]
    stops: dict[int, float]
    pages: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    flight_log: bool = False
    peak_mb: dict[str, float] = field(default_factory=dict)
    realised_usd: float = 0.0
    words: str = ""


CLEAN = tuple(Day(day=date(2026, *each)) for each in ((10, 29), (10, 30), (11, 2), (11, 3), (11, 4)))
ROUGH = (
    Day(day=date(2026, 10, 29), crash="engine"),
    Day(day=date(2026, 10, 30), crash="machine"),  # on a Friday: held over a weekend, with a log-in in it
    Day(day=date(2026, 11, 2), log_in="late", ids_anew=True, crash="engine"),  # the first of winter time
    Day(day=date(2026, 11, 3), restart=True, crash="engine"),
    Day(day=date(2026, 11, 25), crash="engine"),
    Day(day=date(2026, 11, 27), crash="engine"),  # closes at 13:00
    Day(day=date(2026, 11, 30), log_in="missed"),
    Day(day=date(2026, 12, 1)),
)


class Desk:
    """One account's gateways, a day after the other on one port, on a loop of their own thread."""

    def __init__(self, folder: Path, port: int, receiver: Receiver, hours: float) -> None:
        self.project = folder
        self.receiver = receiver
        self._hours = hours
        self._port = port
        self._gateway: SimulatedGateway | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gateway", daemon=True)
        self._thread.start()
        for name in ("config", "notebooks"):
            shutil.copytree(ROOT / name, folder / name)
        content = yaml.safe_load((folder / "config" / "demo.yaml").read_text(encoding="utf-8"))
        content["broker"] |= {"port": port, "reconnect_timeout_s": 30.0}
        content["clock"]["rate"] = 3600
        content["watchdog"] = {"then": "restart_keep"}
        content["alerts"] = {"reconnect_alarm_s": 3.0, "remind_before_s": 1800.0}
        self.config = folder / "config" / "week.yaml"
        self.config.write_text(yaml.safe_dump(content), encoding="utf-8")
        os.environ["MOMENTUM_KIT_STATE_DIR"] = str(folder / "state")
        os.environ["MOMENTUM_KIT_ALERT_URLS"] = receiver.address

    def close(self) -> None:
        """The last gateway goes."""
        self._away()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def live(self, what: Day) -> Lived:
        """One day: a gateway of its own, one run."""
        self._away()
        scenario = market_of(what.day, self._hours)
        if not what.log_in:
            self._serve(scenario, what)
        out = self.project / "runs" / f"{what.day}"
        told, started, samples = len(self.receiver.taken), time.perf_counter(), dict[str, list[float]]()
        errors = self.project / f"{what.day}.err"
        with errors.open("w") as stderr:
            run = subprocess.Popen(
                [sys.executable, "-m", "momentum_kit.cli", "run", "notebooks/production.ipynb", "--config",
                 "config/week.yaml", "--until", "close-5m", "--unwatched", "--out", str(out)],
                cwd=self.project, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
            )  # fmt: skip
            sampling = threading.Thread(target=self._watch, args=(run, samples))
            sampling.start()
            if what.log_in == "late":
                self._called(told)
                self._serve(scenario, what)
            if what.restart:
                self._await(run, lambda status: status.market_time >= scenario.starts_at + timedelta(minutes=10))
                self._on_loop(self._restart())
            if what.crash:
                self._crash(run, what)
            run.wait()
            sampling.join()
        self._outlive()
        messages = list(zip(self.receiver.titles, (text for _, text in self.receiver.taken), strict=False))[told:]
        truth = self._truth()
        summary = out / "summary.json"
        return Lived(
            day=what.day,
            exit_status=run.returncode,
            wall_s=round(time.perf_counter() - started, 1),
            held={each["con_id"]: float(each["quantity"]) for each in truth.get("positions", ())},
            stops=working_stops(truth),
            pages=[text for title, text in messages if title.endswith("page")],
            digests=[text for title, text in messages if not title.endswith("page")],
            summary=json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else {},
            flight_log=(out / "production.ipynb").is_file() and (out / "production.html").is_file(),
            peak_mb={role: round(max(values), 1) for role, values in samples.items()},
            realised_usd=truth["realized_usd"] if truth else 0.0,
            words=errors.read_text(encoding="utf-8").strip(),
        )

    def _crash(self, run: "subprocess.Popen[str]", what: Day) -> None:
        """Kill the engine once it holds something, or everything."""
        status = self._await(run, lambda now: now.positions)
        if status is None:
            return
        everything = [] if what.crash == "engine" else [each.pid for each in self._others(run)]
        for pid in (status.pid, *everything):
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        if what.crash == "machine":
            run.kill()
            return
        taken_over = self._await(run, lambda now: now.pid != status.pid and now.started)
        if taken_over is not None:
            subprocess.run(
                [sys.executable, "-m", "momentum_kit.cli", "resume", "--config", "config/week.yaml"],
                cwd=self.project, capture_output=True, check=False, timeout=60,
            )  # fmt: skip

    def _called(self, told: int) -> None:
        """Until somebody is called, who then logs in."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.receiver.taken) <= told and time.monotonic() < deadline:
            time.sleep(0.1)

    def _others(self, run: "subprocess.Popen[str]") -> Iterator[psutil.Process]:
        """Engine's watchdog, kernel and whatever else runs for this project."""
        for process in psutil.process_iter(["environ"]):
            state = (process.info["environ"] or {}).get("MOMENTUM_KIT_STATE_DIR")
            if state == str(self.project / "state") and process.pid not in (os.getpid(), run.pid):
                yield process

    def _await(self, run: "subprocess.Popen[str]", met: Any) -> EngineStatus | None:
        """The first status that meets a condition; None where the run ends before."""
        deadline = time.monotonic() + PATIENCE_S
        while run.poll() is None and time.monotonic() < deadline:
            with suppress(MomentumKitError):
                address = StateFolder.of(load_config(self.config)).address()
                if address and met(status := ControlClient(address).status()):
                    return status
            time.sleep(0.02)
        return None

    def _watch(self, run: "subprocess.Popen[str]", samples: dict[str, list[float]]) -> None:
        while run.poll() is None:
            _sample(self.project, samples)
            time.sleep(0.5)

    def _outlive(self) -> None:
        """Until nothing runs here any more."""
        deadline = time.monotonic() + PATIENCE_S
        while StateFolder.of(load_config(self.config)).owned and time.monotonic() < deadline:
            time.sleep(0.1)

    # -- the gateway, on its own loop --------------------------------------------------------------------------------

    def _serve(self, scenario: Scenario, what: Day) -> None:
        gateway = SimulatedGateway(scenario, port=self._port, lock_step_s=STEP_S, before=self._gateway)
        if what.ids_anew:
            gateway.hub.broker.begin_ids_anew()
        self._on_loop(gateway.__aenter__())
        self._gateway = gateway

    def _away(self) -> None:
        if self._gateway is not None:
            self._on_loop(self._gateway.__aexit__(None, None, None))

    async def _restart(self) -> None:
        assert self._gateway
        self._gateway.go_down(4.0)

    def _truth(self) -> dict[str, Any]:
        async def truth() -> dict[str, Any]:
            return self._gateway.truth() if self._gateway else {}

        return self._on_loop(truth())

    def _on_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


def market_of(day: date, hours: float) -> Scenario:
    """The last hours before a day's close, with a story every few minutes; the same companies every day."""
    session = session_on(day)
    assert session
    close = session.close.astimezone(NEW_YORK)
    return Scenario.model_validate({
        "name": "week", "seed": 7, "day": day, "start": f"{close - timedelta(hours=hours):%H:%M}",
        "end": f"{close:%H:%M}", "history_sessions": 25,
        "universe": {"small_caps": 8, "large_caps": 0},
        "news": {
            "planted": max(4, round(5 * hours)), "neutral": 4, "earlier": 10,
            "decoys": {"tiny_move": 2, "offering": 1},
        },
    })  # fmt: skip


def working_stops(truth: dict[str, Any]) -> dict[int, float]:
    """con_id to shares of stops that work at the broker."""
    found: dict[int, float] = {}
    for order in truth.get("orders", ()):
        if order["order_type"] == "STP" and order["open"]:
            left = float(order["quantity"]) - float(order["filled"])
            found[order["con_id"]] = found.get(order["con_id"], 0.0) + left
    return found


@contextmanager
def desk(folder: Path, hours: float) -> Iterator[Desk]:
    """A desk in a folder of its own; the environment as before afterwards."""
    kept = {name: os.environ.get(name) for name in ("MOMENTUM_KIT_STATE_DIR", "MOMENTUM_KIT_ALERT_URLS")}
    receiver = Receiver()
    try:
        with kept_port() as port:
            held = Desk(folder, port, receiver, hours)
            try:
                yield held
            finally:
                held.close()
    finally:
        receiver.close()
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def wrong_with(what: Day, lived: Lived) -> list[str]:
    """What of a day was not as it should have been."""
    missed, cut_off = what.log_in == "missed", what.crash == "machine"
    entered = lived.summary.get("entries", 0) > 0
    paged = any("log in to the gateway" in text for text in lived.pages)
    called = [text for text in lived.pages if not text.startswith("over:")]
    last = what.day.weekday() == 4 and not cut_off  # a log-in falls between this session and the next
    checks = {
        "exit status": lived.exit_status == (2 if missed else -9 if cut_off else 0),
        "flat": cut_off or (not lived.held and not lived.stops),
        "held with its stop": not cut_off or (bool(lived.held) and lived.held == lived.stops),
        "a flight log": lived.flight_log is not (missed or cut_off),
        "entries": entered is not (missed or cut_off),
        "the log-in is asked for": paged is bool(what.log_in),
        "a session that has not begun is told": any("no session has begun" in text for text in called) is missed,
        "a crash is told": any("died without a last word" in text for text in called) is (what.crash == "engine"),
        "nobody is called for nothing": bool(called) is bool(what.log_in or what.crash == "engine"),
        "the log-in is reminded of": any("weekly log-in" in text for text in lived.digests) is last,
    }
    return [f"{lived.day}: {name}" for name, holds in checks.items() if not holds]


def wrong_with_all(days: Sequence[Day], lived: Sequence[Lived], review: Review) -> list[str]:
    """What of a stretch of days was not as it should have been; review: of all its runs."""
    found = [line for what, day in zip(days, lived, strict=True) for line in wrong_with(what, day)]
    if not any(what.crash or what.log_in for what in days) and sum(len(day.pages) for day in lived) > MOST_PAGES:
        found.append(f"more than {MOST_PAGES} pages in clean days")
    for role in ("engine", "kernel"):
        peaks = [day.peak_mb[role] for what, day in zip(days, lived, strict=True) if not (what.crash or what.log_in)]
        if peaks and peaks[-1] > peaks[0] * (1 + FLAT):
            found.append(f"{role}: from {peaks[0]} to {peaks[-1]} MB")
    trades = review.trades()
    if review.problems:
        found.append(f"the review cannot read: {'; '.join(review.problems)}")
    sessions = {trade.date() for trade in trades["opened_at"].dt.tz_convert(NEW_YORK)}
    if sessions != {what.day for what in days if what.log_in != "missed"}:
        found.append(f"the review has trades of {sorted(map(str, sessions))}")
    if abs(trades["net_usd"].sum() - lived[-1].realised_usd) > CENTS_USD:
        found.append(f"the review says {trades['net_usd'].sum():.2f} USD, the broker {lived[-1].realised_usd:.2f}")
    return found


def main() -> int:
    """Print each day; 1 unless everything holds."""
    parser = argparse.ArgumentParser(description="Trading days one after the other, clean and rough.")
    parser.add_argument("--hours", type=float, default=1.5, help="of each day, before its close")
    parser.add_argument("--only", choices=("clean", "rough"))
    asked, found = parser.parse_args(), list[str]()
    for name, days in (("clean", CLEAN), ("rough", ROUGH)):
        if asked.only not in (None, name):
            continue
        with tempfile.TemporaryDirectory() as temporary, desk(Path(temporary), asked.hours) as held:
            lived = [told(what, held.live(what)) for what in days]
            review = Review(held.project / "runs")
            pages, digests = (sum(len(each) for each in kind) for kind in zip(*map(messages, lived), strict=True))
            print(f"{name}: {pages} pages, {digests} digests")
            print("\n".join(str(review).splitlines()[:3]))
            found += wrong_with_all(days, lived, review)
    print("\n".join(found) or "holds")
    return 1 if found else 0


def messages(day: Lived) -> tuple[list[str], list[str]]:
    """Pages and digests."""
    return day.pages, day.digests


def told(what: Day, lived: Lived) -> Lived:
    """Print a day and hand it on."""
    special = [what.crash and f"{what.crash} killed", what.log_in and f"log-in {what.log_in}"]
    special += [word for word, is_so in (("gateway restarts", what.restart), ("ids anew", what.ids_anew)) if is_so]
    numbers = ", ".join(f"{name} {lived.summary[name]}" for name in SHOWN if name in lived.summary)
    memory = ", ".join(f"{role} {lived.peak_mb[role]:.0f} MB" for role in ("engine", "kernel") if role in lived.peak_mb)
    print(f"{lived.day:%a %F} {'; '.join(filter(None, special)) or 'clean'}: status {lived.exit_status}, {numbers}")
    print(f"    held {lived.held or 'nothing'}, {len(lived.pages)} pages, {memory}, {lived.wall_s:.0f} s", flush=True)
    for text in lived.pages:
        print(f"    page: {text[:200]}", flush=True)
    return lived


if __name__ == "__main__":
    sys.exit(main())
