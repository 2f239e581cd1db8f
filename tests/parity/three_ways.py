"""The same days three ways: event table, virtual replay, wire replay; prints what they decided and where they differ.

python tests/parity/three_ways.py --days 20            20 days of the sample generator, two days at a time
python tests/parity/three_ways.py --archive FOLDER     the days of an archive that have 5 s bars
"""

import argparse
import math
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from momentum_kit.config import Config
from momentum_kit.detection.batch import GATES
from momentum_kit.detection.live import apply_rules
from momentum_kit.models.decisions import Features
from momentum_kit.research.events import EventSettings, EventTable, build
from momentum_kit.research.sample import write_sample
from momentum_kit.research.sample.market_sample import SampleSpec
from momentum_kit.research.sample.truth import PLANTED
from momentum_kit.runtime.parity.compare_runs import compare_runs
from momentum_kit.runtime.replay import Replay, run_replay
from momentum_kit.storage.archive import BARS_5S, Archive
from momentum_kit.storage.journal import query
from momentum_kit.storage.journal.encoding import utc_text

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG = ROOT / "config" / "replay.yaml"
JUDGED = "SELECT item_id, decided_at, verdict, reason FROM decisions WHERE final = 0 OR verdict = 'signal'"
Row = tuple[str, str, str, str]  # item, decision time, verdict, reason


@dataclass(frozen=True, slots=True)
class Day:
    """One day: decisions of the table, and how many differ; table: with the virtual replay, wire: between replays."""

    day: date
    headlines: int
    decisions: int
    signals: int
    table: int
    wire: int
    traded: int
    fills: int
    examples: tuple[str, ...] = ()

    @property
    def differing(self) -> int:
        """All that is not the same."""
        return self.table + self.wire + self.traded + self.fills


def three_ways(
    archive: Path, day: date, folder: Path, overrides: Mapping[str, Any] | None = None, server_version: int = 200
) -> Day:
    """Decide one day by table and by both replays; the runs go below `folder`."""
    replay = Replay(archive=archive, day=day, config=CONFIG, overrides=overrides or {}, server_version=server_version)
    config = replay.settings()
    summary = run_replay(replay, ROOT, folder / f"{day}-virtual")
    judged = set(query(folder / f"{day}-virtual" / "journal.db", JUDGED))
    table = set(table_rows(build(Archive(archive), day, day, settings_of(config)), config))
    apart = judged ^ table
    words = [f"{'replay' if row in judged else 'table'} alone: {' '.join(row)}" for row in sorted(apart)[:5]]
    run_replay(replace(replay, wire=True), ROOT, folder / f"{day}-wire")
    found = compare_runs(folder / f"{day}-virtual", folder / f"{day}-wire")
    words += [each.why for each in found.differences[:5]]
    return Day(
        day, summary["headlines"], len(table), summary["signals"], len({row[:2] for row in apart}), found.differing,
        found.traded_differing, found.fills_differing, tuple(words),
    )  # fmt: skip


def planted() -> dict[str, Any]:
    """The thresholds on which the sample's events drift: with them a day has signals."""
    return {f"thresholds.{name}": value for name, value in PLANTED.model_dump().items()}


def settings_of(config: Config) -> EventSettings:
    """The table's settings as the session has them."""
    return EventSettings(
        news=config.news, detection=config.detection, thresholds=config.thresholds, calendar=config.calendar
    )


def table_rows(table: EventTable, config: Config) -> Iterator[Row]:
    """What a session decides by the table: one row a decision time, up to the signal."""
    features = {name: np.asarray(values) for name, values in table.features.items()}
    for event, item in enumerate(table.events["item_id"]):
        for k in np.flatnonzero(~np.isnat(table.at[event])):
            at = datetime.fromisoformat(f"{np.datetime_as_string(table.at[event, k], unit='ms')}+00:00")
            reason = GATES[table.gate[event, k]] or _failed(features, event, k, at, config)
            yield item, utc_text(at), "skip" if reason else "signal", reason
            if not reason:
                break


def _failed(features: dict[str, Any], event: int, k: int, at: datetime, config: Config) -> str:
    values = {name: column[event, k].item() for name, column in features.items()}
    numbers = {name: 0 if math.isnan(values[name]) else int(values[name]) for name in ("n_tickers", "baseline_days")}
    verdicts = apply_rules(Features(at=at, **{**values, **numbers}), config.thresholds)
    return next((verdict.rule for verdict in verdicts if not verdict.passed), "")


def as_table(days: Sequence[Day]) -> str:
    """One line a day, and the sum."""
    lines = [f"{'day':10}  headlines  decisions  signals  table=virtual  virtual=wire  traded  fills"]
    for each in days:
        differ = (each.table, each.wire, each.traded, each.fills)
        told = "  ".join(f"{count:>{width}}" for count, width in zip(differ, (13, 12, 6, 5), strict=True))
        lines.append(f"{each.day}  {each.headlines:>9}  {each.decisions:>9}  {each.signals:>7}  {told}")
        lines += [f"    {words}" for words in each.examples]
    decisions, differing = sum(each.decisions for each in days), sum(each.differing for each in days)
    return "\n".join([*lines, f"{len(days)} days: {decisions} decisions, {differing} differing"])


def main() -> int:
    """0 where nothing differs."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--days", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--archive", type=Path)
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument("--server-version", type=int, default=200)
    given = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="three-ways-"))
    try:
        archive = given.archive or folder / "archive"
        if given.archive is None:
            write_sample(archive, SampleSpec(seed=given.seed, days=given.days, symbols=12, headlines_a_day=22))
        days = Archive(archive).days(kind=BARS_5S)[-given.days :]
        with ProcessPoolExecutor(given.processes) as pool:
            overrides = {} if given.archive else planted()
            task = partial(
                three_ways, archive, folder=folder / "runs", overrides=overrides, server_version=given.server_version
            )
            found = list(pool.map(task, days))
        sys.stdout.write(as_table(found) + "\n")
        return int(any(each.differing for each in found))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
