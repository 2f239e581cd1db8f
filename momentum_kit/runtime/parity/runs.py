"""`momentum-kit parity RUN`: finds out what made a run, replays its day, and compares the two."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from momentum_kit.config import load_config
from momentum_kit.errors import InputError
from momentum_kit.runtime.parity.compare import Parity, compare_runs
from momentum_kit.runtime.parity.data import DataParity, data_parity
from momentum_kit.runtime.parity.scenario import record_scenario
from momentum_kit.runtime.replay import Replay, replay_of, run_replay
from momentum_kit.sessions import exchange_day
from momentum_kit.simgateway import load_scenario
from momentum_kit.storage.journal import query

SUMMARY = "summary.json"  # of a demo; runtime/report.py writes it
_SCENARIO = re.compile(r"scenario (?P<name>.+), seed (?P<seed>\d+)")
LEFT = """
    SELECT (SELECT min(at) FROM exits WHERE reason IN ('session end', 'kill')), (SELECT max(at) FROM equity)
"""
AT_ONCE = {"clock.kind": "stepped", "clock.rate": 1_000_000}  # whatever the pace of the run was


def parity_of_run(
    run: Path, archive: Path | None, config: Path | None, overrides: Mapping[str, Any], project: Path, folder: Path
) -> Parity:
    """Compare a run with its replay, which goes to `folder`; InputError where its day is not known.

    A replay is repeated by the other way; a demo is replayed from its market, written down as 5 s bars and quotes; a
    live session from the archive that recorded it.
    """
    wanted = _replay_for(run, archive, config, overrides, project, folder)
    run_replay(wanted, project, folder)
    return compare_runs(run, folder)


def parity_of_data(
    run: Path,
    archive: Path | None,
    later: Path,
    config: Path | None,
    overrides: Mapping[str, Any],
    project: Path,
    folder: Path,
) -> DataParity:
    """Compare the run's day as recorded with the same day of another archive: series and decisions."""
    wanted = replace(_replay_for(run, archive, config, overrides, project, folder), wire=False)
    return data_parity(wanted, later, project, folder)


def _replay_for(
    run: Path, archive: Path | None, config: Path | None, overrides: Mapping[str, Any], project: Path, folder: Path
) -> Replay:
    if not (run / "journal.db").is_file():
        raise InputError(f"{run}: no journal.db here; give the folder of a run")
    made = replay_of(run)
    if made is not None:
        return replace(made, wire=not made.wire, overrides={**made.overrides, **overrides})
    if archive is not None:
        settings = config or project / "config" / "replay.yaml"
        return Replay(archive, _day_of(run), settings, overrides={**AT_ONCE, **overrides}, until=_end_of(run))
    return _replay_of_demo(run, config or project / "config" / "demo.yaml", overrides, folder)


def _replay_of_demo(run: Path, config: Path, overrides: Mapping[str, Any], folder: Path) -> Replay:
    summary = run / SUMMARY
    title = json.loads(summary.read_text(encoding="utf-8")).get("title", "") if summary.is_file() else ""
    named = _SCENARIO.fullmatch(title)
    if named is None:
        raise InputError(f"{run}: neither a replay nor a demo of a scenario; give the archive of its day: --archive")
    scenario = load_scenario(named["name"], int(named["seed"]))
    beat_s = load_config(config, overrides).clock.beat_s
    recorded = record_scenario(scenario, folder / "market", beat_s)
    return Replay(recorded, scenario.day, config, overrides={**AT_ONCE, **overrides}, until=_end_of(run))


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
