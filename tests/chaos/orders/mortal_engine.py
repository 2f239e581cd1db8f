"""An engine in a process of its own with fuses in it: each ends it by SIGKILL, at a point that a seed has drawn.

It is the engine of production, from its entry on. The fuses hang where something that outlives the process is done: an
intent recorded or marked, an execution written down, a row journaled, an order placed, changed or cancelled. The worlds
with processes fork it from a server that has loaded everything, since to load takes longer than to live.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from momentum_kit.bridge import IBKRBridge
from momentum_kit.runtime.engine.hosting import main
from momentum_kit.runtime.engine.process import ERRORS
from momentum_kit.storage.journal import SqliteIntents, SqliteJournal

DISK_S = 10.0  # for a row to reach it, where the fuse burns after that


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuse:
    """SIGKILL at the `times`-th doing of a kind, from market time `at` on and before `until`; it leaves its name."""

    name: int
    doing: str
    times: int
    after: bool
    at: datetime
    until: datetime


class Fuses:
    """Counts what the engine does; `now`: market time, as it was told last."""

    def __init__(self, fuses: tuple[Fuse, ...], burnt: Path) -> None:
        self.now: datetime | None = None
        self._fuses = fuses
        self._burnt = burnt
        self._seen: Counter[tuple[int, bool]] = Counter()

    def before(self, doing: str) -> None:
        """It is about to be done."""
        self._burn(doing, None, after=False)

    def after(self, doing: str, outcome: object) -> None:
        """It is done, or, where the outcome is a future, will be."""
        self._burn(doing, outcome, after=True)

    def _burn(self, doing: str, outcome: object, *, after: bool) -> None:
        for fuse in self._fuses:
            if fuse.doing == doing and self.now is not None and fuse.at <= self.now < fuse.until:
                self._seen[fuse.name, after] += 1
                if fuse.after is after and self._seen[fuse.name, after] == fuse.times:
                    if isinstance(outcome, Future):
                        wait([outcome], DISK_S)  # between the commit and what follows it
                    self._burnt.write_text(str(fuse.name))
                    os.kill(os.getpid(), signal.SIGKILL)


def live(order: str, environment: Mapping[str, str], run_dir: str, fuses: tuple[Fuse, ...], burnt: str) -> None:
    """Be the engine process of an order, as start_engine gives it; its exit status is the process's."""
    os.environ.update(environment)
    with (Path(run_dir) / ERRORS).open("w") as errors:
        os.dup2(errors.fileno(), 2)
    _hang(Fuses(fuses, Path(burnt)))
    raise SystemExit(main(order))


def _hang(fuses: Fuses) -> None:
    for method in (SqliteIntents.record, SqliteIntents.mark, SqliteIntents.note_execution, SqliteJournal.write):
        owner = SqliteJournal if method is SqliteJournal.write else SqliteIntents
        setattr(owner, method.__name__, _with_fuse(method, fuses))
    place, cancel = IBKRBridge.place_order, IBKRBridge.cancel_order
    time, step = IBKRBridge.fetch_current_time, IBKRBridge.fetch_current_time_millis
    placed: set[int] = set()

    async def place_order(bridge: IBKRBridge, contract: Any, order: Any) -> Any:
        doing = "modify" if order.order_id in placed else "place"
        placed.add(order.order_id)
        fuses.before(doing)
        outcome = await place(bridge, contract, order)
        fuses.after(doing, outcome)
        return outcome

    async def cancel_order(bridge: IBKRBridge, order_id: int) -> None:
        fuses.before("cancel")
        await cancel(bridge, order_id)
        fuses.after("cancel", None)

    async def fetch_current_time(bridge: IBKRBridge) -> datetime:
        fuses.now = await time(bridge)
        return fuses.now

    async def fetch_current_time_millis(bridge: IBKRBridge) -> datetime:
        fuses.now = await step(bridge)
        return fuses.now

    for method in (place_order, cancel_order, fetch_current_time, fetch_current_time_millis):
        setattr(IBKRBridge, method.__name__, method)


def _with_fuse(method: Callable[..., Any], fuses: Fuses) -> Callable[..., Any]:
    doing = method.__name__

    def done(*args: Any, **kwargs: Any) -> Any:
        fuses.before(doing)
        outcome = method(*args, **kwargs)
        fuses.after(doing, outcome)
        return outcome

    done.__name__ = doing
    return done
