"""Finds out what made a run, replays its day and compares the two, for `momentum-kit parity RUN`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from momentum_kit.config import load_config
from momentum_kit.errors import InputError
from momentum_kit.json_text import parse_json
from momentum_kit.research import guard_sealed_day, record_folder
from momentum_kit.runtime.parity.compare_runs import Parity, compare_runs
from momentum_kit.runtime.parity.scenario_archive import record_scenario
from momentum_kit.runtime.parity.series_parity import DataParity, data_parity
from momentum_kit.runtime.replay import Replay, replay_of, run_replay
from momentum_kit.sessions import exchange_day
from momentum_kit.simgateway import load_scenario
from momentum_kit.storage.archive import Archive
from momentum_kit.storage.journal import query

SUMMARY = "summary.json"  # of a demo; runtime/report.py writes it
_SCENARIO = re.compile(r"scenario (?P<name>.+), seed (?P<seed>\d+)")
LEFT = """
    SELECT (SELECT min(at) FROM exits WHERE reason IN ('session end', 'kill')), (SELECT max(at) FROM equity)
"""
AT_ONCE = {"clock.kind": "stepped", "clock.rate": 1_000_000}  # whatever the pace of the run was


@dataclass(frozen=True, slots=True, kw_only=True)
class RunToReplay:
    """A run whose day is replayed into `folder`, and what is known of its making.

    archive: what recorded a live session; None for replays and demos, which say themselves. config, overrides: the
    configuration that decides, where it is not the run's kind's own.
    """

    run: Path
    project: Path
    folder: Path
    archive: Path | None = None
    config: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


def parity_of_run(asked: RunToReplay) -> Parity:
    """Compare a run with its replay; InputError where its day is not known.

    A replay is repeated by the other way; a demo is replayed from its market, written down as 5 s bars and quotes; a
    live session from the archive that recorded it.
    """
    replay = _replay_for(asked)
    if asked.overrides:  # a run that is lived again as it was is no look at anything new; a variation of it is
        guard_sealed_day(Archive(replay.archive), replay.day, record_folder(replay.settings()))
    run_replay(replay, asked.project, asked.folder)
    return compare_runs(asked.run, asked.folder)


def parity_of_data(asked: RunToReplay, later: Path) -> DataParity:
    """Compare the run's day as recorded with the same day of another archive: series and decisions."""
    return data_parity(replace(_replay_for(asked), wire=False), later, asked.project, asked.folder)


def _replay_for(asked: RunToReplay) -> Replay:
    if not (asked.run / "journal.db").is_file():
        raise InputError(f"{asked.run}: no journal.db here; give the folder of a run")
    made = replay_of(asked.run)
    if made is not None:
        return replace(made, wire=not made.wire, overrides={**made.overrides, **asked.overrides})
    if asked.archive is None:
        return _replay_of_demo(asked)
    return Replay(
        archive=asked.archive,
        day=_day_of(asked.run),
        config=asked.config or asked.project / "config" / "replay.yaml",
        overrides={**AT_ONCE, **asked.overrides},
        until=_end_of(asked.run),
    )


def _replay_of_demo(asked: RunToReplay) -> Replay:
    summary = asked.run / SUMMARY
    try:
        title = str(parse_json(summary.read_text(encoding="utf-8"))["title"]) if summary.is_file() else ""
    except (OSError, ValueError, TypeError, KeyError):
        title = ""
    named = _SCENARIO.fullmatch(title)
    if named is None:
        raise InputError(
            f"{asked.run}: neither a replay nor a demo of a scenario; give the archive of its day: --archive"
        )
    scenario = load_scenario(named["name"], int(named["seed"]))
    config = asked.config or asked.project / "config" / "demo.yaml"
    beat_s = load_config(config, asked.overrides).clock.beat_s
    return Replay(
        archive=record_scenario(scenario, asked.folder / "market", beat_s),
        day=scenario.day,
        config=config,
        overrides={**AT_ONCE, **asked.overrides},
        until=_end_of(asked.run),
    )


def _day_of(run: Path) -> date:
    ((first,),) = query(run / "journal.db", "SELECT min(at) FROM equity")
    return exchange_day(_market_time(run, first))


def _end_of(run: Path) -> datetime:
    """Market time at which the run left what it held for good; its last word if it held nothing then."""
    ((left, last),) = query(run / "journal.db", LEFT)
    return _market_time(run, left or last)


def _market_time(run: Path, text: str | None) -> datetime:
    if text is None:
        raise InputError(f"{run}: the journal is empty")
    return datetime.fromisoformat(text).astimezone(UTC)
