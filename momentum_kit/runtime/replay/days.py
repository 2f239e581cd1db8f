"""Replays many days side by side for `momentum-kit replay FROM TO`: each in a process and a run folder of its own.

Days know nothing of each other: each begins flat, with the configuration as it stands, and reads its own baselines. So
they may be lived in any order and by any number of processes, and come out as they would one by one.
"""

import multiprocessing
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from momentum_kit.errors import ArchiveError, InputError, MomentumKitError
from momentum_kit.private_files import make_private_folder
from momentum_kit.runtime.replay.replay import Replay, run_replay
from momentum_kit.storage.archive import BARS_5S, Archive

TRIES = 2  # of a day whose worker died: what killed it may have been another day beside it
SUMMED = ("headlines", "signals", "entries", "fills", "round_trips", "wins", "costs_usd", "net_pnl_usd")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedDay:
    """One day: the summary of its run, or in words why there is none."""

    day: date
    summary: Mapping[str, Any] | None = None
    failure: str = ""


def days_between(archive: Path, first: date, last: date) -> tuple[date, ...]:
    """The days of an archive that can be replayed, both ends included; ArchiveError where there is none."""
    if last < first:
        raise InputError(f"{last} is before {first}: name the first day first")
    known = Archive(archive).days(kind=BARS_5S)
    found = tuple(day for day in known if first <= day <= last)
    if not found:
        others = f"its days with 5 s bars: {known[0]} to {known[-1]}" if known else "nor on any other day"
        raise ArchiveError(f"{archive}: no 5 s bars from {first} to {last}; {others}")
    return found


def prepare_days_folder(folder: Path, days: Sequence[date]) -> Path:
    """Make the folder that holds a run folder a day; InputError where it holds anything else, or one of these days."""
    try:
        make_private_folder(folder)
        names = sorted(each.name for each in folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot write the folder {folder}: {error.strerror}") from None
    for name in names:
        if not _is_day(name.removeprefix(".")):
            raise InputError(f"{folder} holds {name}, which is no day's replay; name a new or empty folder")
        if name in map(str, days):
            raise InputError(f"{folder} holds the replay of {name} already; name a new folder, or remove it")
    return folder.resolve()


def replay_days(
    replay: Replay,
    days: Sequence[date],
    project: Path,
    folder: Path,
    *,
    workers: int = 1,
    done: Callable[[ReplayedDay], None] = lambda _: None,
) -> tuple[ReplayedDay, ...]:
    """Live each of these days as `replay` says, its own day aside, below `folder`; in the order of `days`.

    A day that fails, or whose worker dies twice, is left out with its reason, and costs no other. done: told of each as
    it is through. Interrupted, it ends its workers; the days that were through stay.
    """
    found: dict[date, ReplayedDay] = {}
    tries = dict.fromkeys(days, 0)
    try:
        while waiting := [day for day in days if day not in found]:
            suspects = [day for day in waiting if tries[day]]  # each alone, so that it takes no other one along
            batch = suspects[:1] or waiting
            with _pool(min(workers, len(batch))) as pool:
                given = {pool.submit(_live, replace(replay, day=day), project, folder): day for day in batch}
                for future in as_completed(given):
                    if (result := _result(future, given[future])) is not None:
                        found[result.day] = result
                        done(result)
            left = [day for day in batch if day not in found]
            for day in [day for day in left if _stage(folder, day).exists()] or left:  # what was lived at the death
                tries[day] += 1
                if tries[day] >= TRIES:
                    found[day] = ReplayedDay(day=day, failure=f"its process died {TRIES} times: out of memory?")
                    done(found[day])
    finally:
        for day in days:
            shutil.rmtree(_stage(folder, day), ignore_errors=True)
    return tuple(found[day] for day in days)


def total_of(days: Sequence[ReplayedDay]) -> dict[str, Any]:
    """Sums over the days that are through, their worst and best day, and the deepest fall between two closes, USD."""
    lived = [each.summary for each in days if each.summary is not None]
    nets = [float(each["net_pnl_usd"]) for each in lived]
    total, peak, fall = 0.0, 0.0, 0.0
    for net in nets:
        total += net
        peak = max(peak, total)
        fall = max(fall, peak - total)
    sums: dict[str, Any] = {name: round(sum(each[name] for each in lived), 2) for name in SUMMED}
    return {"days": len(lived), **sums, "worst_day_usd": min(nets, default=0.0), "best_day_usd": max(nets, default=0.0),
            "drawdown_usd": round(fall, 2)}  # fmt: skip


def _result(future: "Future[ReplayedDay]", day: date) -> ReplayedDay | None:
    """None where its process died, with this day or beside it."""
    try:
        return future.result()
    except BrokenProcessPool:
        return None
    except MomentumKitError as error:
        return ReplayedDay(day=day, failure=str(error))


def _live(replay: Replay, project: Path, folder: Path) -> ReplayedDay:
    """Beside its place until it is whole: what an interruption or a death leaves is no day."""
    stage, place = _stage(folder, replay.day), folder / str(replay.day)
    shutil.rmtree(stage, ignore_errors=True)
    summary = run_replay(replay, project, stage)
    stage.rename(place)
    return ReplayedDay(day=replay.day, summary={**summary, "run": str(place)})


def _stage(folder: Path, day: date) -> Path:
    return folder / f".{day}"


@contextmanager
def _pool(workers: int) -> Any:
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_ignore_interrupts)
    try:
        yield pool
    except BaseException:
        for process in list(pool._processes.values()):  # what they were at is of no use any more
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """A Ctrl-C reaches every process of the terminal; the one that started the others ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _is_day(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False
