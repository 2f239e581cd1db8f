"""Every inbound value of a session -> one growing file: beside the session's path, never in its way.

RUN/recording.jsonl.gz: one JSON object a line, {"t": type, "at": market time, "v": [fields]}, in the order of arrival.
Each batch is a whole gzip member, so that a file cut short by a crash reads up to its last batch. A disk that refuses,
or that falls behind, is an alarm and the end of the recording; the session goes on.
"""

import gzip
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import GenericAlias
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from momentum_kit.models import (
    Bar,
    CommissionReport,
    Contract,
    ContractDetails,
    Execution,
    Headline,
    OpenOrder,
    OrderNotice,
    OrderUpdate,
    Position,
    Quote,
    TradeTick,
)
from momentum_kit.private_files import open_private

FILE = "recording.jsonl.gz"
BATCH_S = 0.5  # wall seconds between two looks of the writer
CLOSE_S = 5.0
MOST_WAITING = 200_000  # lines in memory, about 60 MB: beyond it the disk is too slow for the market


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection begins: what an earlier one watched has ended."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A line was opened or closed: from here on, or until here, silence means that nothing happened."""

    what: str  # trades, quotes, headlines
    contract: Contract
    open: bool


@dataclass(frozen=True, slots=True)
class HistoryAnswer:
    """Bars that the session asked for, as of asked_at (market time); no bars is the broker's honest "none"."""

    contract: Contract
    end: datetime | None
    duration: str
    bar_size: str
    what: str
    use_rth: bool
    asked_at: datetime
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class ArticleAnswer:
    """An article that came in time, of type 0: what was read of it decided."""

    provider: str
    article_id: str
    text: str


TYPES: dict[str, Any] = {
    each.__name__: each
    for each in (
        ArticleAnswer, CommissionReport, Connected, ContractDetails, Execution, Headline, HistoryAnswer, OpenOrder,
        OrderNotice, OrderUpdate, Position, Quote, TradeTick, Watched,
    )
}  # fmt: skip


@cache
def adapter(name: str) -> "TypeAdapter[Any]":
    """The codec of a tuple of one value (of a dataclass alone pydantic takes no config); nan and infinity survive."""
    one: Any = GenericAlias(tuple, (TYPES[name],))
    return TypeAdapter(one, config=ConfigDict(ser_json_inf_nan="constants"))


class Recorder:
    """Takes values on the loop and writes them on a thread. alarm(kind, text) is called on that thread, once."""

    def __init__(self, file: Path, now: Callable[[], datetime], alarm: Callable[[str, str], None]) -> None:
        self.file = file
        self._now = now
        self._alarm = alarm
        self._lines: deque[bytes] = deque()
        self._over = False  # nothing more is taken
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="recorder", daemon=True)
        self._thread.start()

    def put(self, value: Any) -> None:
        """Take one value of TYPES; a few microseconds, never waits, never raises."""
        if self._over:
            return
        try:
            name = type(value).__name__
            fields = adapter(name).dump_json((value,))
        except Exception as error:  # noqa: BLE001  whatever a value cannot do must not reach whoever trades on it
            self._give_up(f"{type(value).__name__}: {error}")
            return
        at = self._now().isoformat().encode()
        self._lines.append(b'{"t":"%s","at":"%s","v":%s}\n' % (name.encode(), at, fields))
        if len(self._lines) > MOST_WAITING:
            self._give_up(f"{MOST_WAITING:,} values wait for the disk")

    def close(self) -> None:
        """Write what is left; a disk that hangs is not waited for longer than CLOSE_S."""
        self._ending.set()
        self._thread.join(CLOSE_S)
        self._over = True

    def _write_on(self) -> None:
        while not self._ending.wait(BATCH_S):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]  # the loop may append meanwhile
        if not lines or self._over:
            return
        try:
            with open(self.file, "ab", opener=open_private) as sink:
                sink.write(gzip.compress(b"".join(lines), compresslevel=1))
        except OSError as error:
            self._give_up(error.strerror or str(error))

    def _give_up(self, why: str) -> None:
        if not self._over:
            self._over = True
            self._lines.clear()
            self._alarm("recorder", f"recording stopped, the session goes on: {self.file}: {why}")
