"""Speed of a replay in virtual time, beside backtesting.py on the closest task both express; for `bench research`.

Ours: two recorded days, one a process, through every service of a session: headlines are parsed, tied to contracts and
judged at each of their 23 or 24 decision times on features and rules, and every decision is in the journal. What a
symbol's background costs (20 sessions of minutes) is included. The peer steps a strategy over the same 5 s bars and
judges the same decision times by return, volume, trades and extension alone, without quotes, baselines or a record.
"""

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import structlog

from momentum_kit.runtime.bench import Row
from momentum_kit.runtime.replay import Replay, run_replay
from momentum_kit.sessions import session_on
from momentum_kit.storage.archive import BARS_5S, Archive
from momentum_kit.storage.journal import query
from tests.parity.small_days import write_days

ROOT = Path(__file__).resolve().parents[2]

LAST, DAYS, SYMBOLS, HEADLINES = date(2026, 11, 20), 2, 60, 1500
DECIDED = "SELECT count(*) FROM decisions WHERE final = 0 OR verdict = 'signal'"
# one step a bar, and a symbol is given back with its last decision time: nothing else decides anything
SETTINGS = {"detection.observe_until_s": 120, "clock.beat_s": 5}


def measure_replay() -> list[Row]:
    """Headlines and decision times a second, all days and processes together."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        days = write_days(root / "archive", LAST, DAYS, SYMBOLS, HEADLINES, quiet=0.95).days
        ours, wall_s = _timed(partial(_replay, root), days)
        headlines, decisions = (sum(each) for each in zip(*ours, strict=True))
        peers, peer_wall_s = _timed(partial(_backtest, root / "archive"), days)
    return [
        Row("replay in virtual time", headlines / wall_s, "headlines/s", goal=500),
        Row(
            "replay in virtual time", decisions / wall_s, "decision times/s", "backtesting.py", sum(peers) / peer_wall_s
        ),
    ]


def _quiet() -> None:
    """Neither the peer's progress bars nor the log of a session belong into a benchmark's output."""
    os.environ["TQDM_DISABLE"] = "1"
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _timed(task: Callable[[date], Any], days: Sequence[date]) -> tuple[list[Any], float]:
    """The task for each day in a process of its own; these are up, and modules imported, before the clock starts."""
    with ProcessPoolExecutor(min(len(days), os.cpu_count() or 1), initializer=_quiet) as pool:
        list(pool.map(_warm, days))
        started = time.perf_counter()
        return list(pool.map(task, days)), time.perf_counter() - started


def _warm(_: date) -> None:
    import backtesting  # noqa: F401  (its import is not what is measured)

    session_on(LAST)  # loads the calendar
    time.sleep(0.5)  # long enough for the other process to take the other day


def _replay(root: Path, day: date) -> tuple[int, int]:
    run = root / str(day)
    replay = Replay(archive=root / "archive", day=day, config=ROOT / "config" / "replay.yaml", overrides=SETTINGS)
    summary = run_replay(replay, ROOT, run)
    return summary["headlines"], query(run / "journal.db", DECIDED)[0][0]


def _backtest(archive: Path, day: date) -> int:
    """Every symbol with headlines, one after the other; returns how many decision times were judged."""
    from backtesting import Backtest, Strategy

    class Momentum(Strategy):  # type: ignore[misc]
        """Buys with a bracket at the first decision time after a headline at which the tape's rules hold."""

        received: np.ndarray
        judged = 0

        def init(self) -> None:
            """Nothing is computed ahead."""

        def next(self) -> None:
            """One closed bar."""
            data = self.data
            now = data.index[-1].value / 1e9 + 5
            ages = now - self.received
            following = (ages >= 5) & (ages <= 120)
            if not following.any() or len(data) < 61:
                return
            close, volume = data.Close, data.Volume
            for age in ages[following]:
                type(self).judged += 1
                anchor = close[-1 - min(int(age // 5) + 1, len(close) - 1)]
                moved = close[-1] / close[-13] - 1 >= 0.03 or close[-1] / close[-61] - 1 >= 0.04
                high, low = data.High[-12:].max(), data.Low[-12:].min()
                liquid = (close[-12:] * volume[-12:]).sum() >= 100_000 and data.Count[-12:].sum() >= 30
                strong = high > low and (close[-1] - low) / (high - low) >= 0.6
                if moved and liquid and strong and close[-1] / anchor - 1 <= 0.25 and not self.position:
                    self.buy(size=100, sl=close[-1] * 0.98, tp=close[-1] * 1.04)

    source, judged = Archive(archive), 0
    headlines = source.headlines(day, day)
    for symbol in source.symbols(day, BARS_5S):
        received = [line.received_at.timestamp() for line in headlines if symbol in line.text and line.received_at]
        if not received:
            continue
        columns = source.columns(BARS_5S, symbol, day, day)
        names = {name: columns[name.lower()] for name in ("Open", "High", "Low", "Close", "Volume", "Count")}
        frame = pd.DataFrame(names, index=pd.to_datetime(columns["start"], unit="us"))
        Momentum.received, Momentum.judged = np.array(received), 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of open trades at the end, and of frequencies it cannot infer
            Backtest(frame, Momentum, cash=100_000, commission=0.0005).run()
        judged += Momentum.judged
    return judged
