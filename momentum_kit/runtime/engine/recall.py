"""Recalls the stories that earlier engines of this owner heard, from their journals, when an engine starts.

A story that was traded, or missed, before a restart is not judged again after it. Only what lies as far back on the
wall as in the market is recalled: a simulated day that begins anew has heard nothing.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from momentum_kit.detection.news import StoryKind, StoryMemory, Telling, normalise, story_id
from momentum_kit.errors import StorageError
from momentum_kit.models import Catalyst, Certainty, Direction
from momentum_kit.storage.journal import query

OWNER = "owner"  # key of the meta row by which a later engine knows whose journal it is
_APART = timedelta(minutes=1)  # wall and market may differ by so much
_ROWS = """SELECT at, wall_ns, article_id, text, symbols, catalyst, about, direction, certainty FROM headlines
           WHERE wall_ns >= ? ORDER BY id"""


def recall_stories(memory: StoryMemory, runs: Path, owner_key: str, *, now: datetime, keep: timedelta) -> int:
    """Tell the memory what the journals below `runs` heard within `keep` of now (market time); how many headlines.

    Reads files, so call it on a thread. A journal that cannot be read is left out: its stories count as new.
    """
    wall_ns = time.time_ns()
    oldest_ns = wall_ns - int(keep.total_seconds() * 1e9)
    recalled = 0
    for file in sorted(runs.glob("*/journal.db")):
        if file.stat().st_mtime_ns < oldest_ns or not _owned(file, owner_key):
            continue
        for told_at, row_ns, telling in _tellings(file, oldest_ns):
            if abs((now - told_at) - timedelta(microseconds=(wall_ns - row_ns) / 1e3)) <= _APART:
                memory.hear(telling, told_at)
                recalled += 1
    return recalled


def _owned(file: Path, owner_key: str) -> bool:
    try:
        return (owner_key,) in query(file, "SELECT value FROM meta WHERE key = ?", (OWNER,))
    except (StorageError, sqlite3.Error):
        return False


def _tellings(file: Path, oldest_ns: int) -> Iterator[tuple[datetime, int, Telling]]:
    try:
        rows = query(file, _ROWS, (oldest_ns,))
    except (StorageError, sqlite3.Error):
        return
    for at, wall_ns, article_id, text, symbols, catalyst, about, direction, certainty in rows:
        kind = StoryKind(Catalyst(catalyst), Catalyst(about), Direction(direction), Certainty(certainty))
        words = normalise(text)
        telling = Telling(
            story_id=story_id(article_id, words or text),
            normalised=words,
            text=text,
            symbols=(tied := tuple(json.loads(symbols))),
            named=tied,
            kind=kind,
        )
        yield datetime.fromisoformat(at), wall_ns, telling
