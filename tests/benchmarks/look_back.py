"""Looking back over a year and a week of sessions: what `Runs` and `Review` take; for `bench panel`.

The sessions are copies of one replayed day of the sample, in which something was traded: as long as a live day's.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from momentum_kit.notebook.record import Runs
from momentum_kit.notebook.review import Review
from momentum_kit.runtime.bench import Row
from momentum_kit.runtime.replay import Replay, run_replay

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 5, 12)
YEAR, WEEK = 250, 5  # sessions


def look_back_rows(folder: Path) -> Iterator[Row]:
    """Rows as `momentum-kit bench` prints them."""
    lived = folder / "lived"
    run_replay(Replay(archive=ROOT / "data/sample", day=DAY, config=ROOT / "config/replay.yaml"), ROOT, lived)
    for name, sessions in (("year", YEAR), ("week", WEEK)):
        for number in range(sessions):
            shutil.copytree(lived, folder / name / f"session-{number:03}")
    took_s = _seconds(lambda: Runs(folder / "year").sessions())
    yield Row(f"Runs over {YEAR} sessions, opened and listed", took_s, "s", goal=3.0, least=False)
    took_s = _seconds(lambda: Review(folder / "week").page(folder / "week.html"))
    yield Row(f"review of {WEEK} sessions, with its page and pictures", took_s, "s", goal=30.0, least=False)
    yield Row(f"review of {YEAR} sessions", _seconds(lambda: Review(folder / "year")), "s")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
