"""What `study.events()` shows: the events of an archive, counted whole, listed for the days one may look at."""

from collections.abc import Collection
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from momentum_kit.pages import Block, ReadableFrame, Shown, frame_block, warnings_of
from momentum_kit.research.event_study import first_known
from momentum_kit.research.events import EventTable
from momentum_kit.research.validation import OpenDays, renew, seal

IDENTIFIERS = ("item_id", "story_id", "con_id")
SHOWN = 12
"""Events that a cell lists; `frame()` has all."""


class EventList(Shown):
    """Every event of an archive at every decision time, with what each exit rule would have netted.

    Counts speak for all days. Whatever shows an event or an outcome shows the open days only: the first look seals the
    last fifth of the days (`open_days`).
    """

    def __init__(self, whole: EventTable, file: Path, *, seals: Path, lived: Collection[date] = ()) -> None:
        """seals: the record of what was sealed and looked at. lived: days that were traded live."""
        self._whole = whole
        self.file = file
        self._seals = seals
        self._lived = lived

    def __len__(self) -> int:
        return len(self._whole)

    @cached_property
    def open_days(self) -> OpenDays:
        """The table without its last fifth of days, which the first look at these instrument days sealed."""
        return seal(self._whole, self._seals, lived=self._lived)

    def renewed(self) -> "EventList":
        """After an opening: seal the days that came later, so that the opened ones may teach; before it refused."""
        renew(self._whole, self._seals, lived=self._lived)
        return EventList(self._whole, self.file, seals=self._seals, lived=self._lived)

    @property
    def table(self) -> EventTable:
        """The events of the open days as arrays, (N, K): what sweeps and validation compute on."""
        return self.open_days.table

    def frame(self) -> ReadableFrame:
        """One row an event of the open days, in the order of reception, identifiers last.

        decisions: times at which it was judged. price_usd: the last before the headline. z_tod: return of 60 s over its
        usual size, at the first decision that knew it. net_bps.<exit>: bought at the first decision that filled.
        """
        table = self.table
        events = table.events
        columns: dict[str, Any] = {
            "received_at": events["received_at"].dt.tz_convert("America/New_York"),
            "symbol": events["symbol"],
            "catalyst": events["catalyst"],
            "price_usd": first_known(table.features["anchor"]),
            "z_tod": first_known(table.features["z_tod"]),
            **{f"net_bps.{name}": first_known(net) for name, net in table.net_bps.items()},
            "text": events["text"],
            "delay_s": (events["received_at"] - events["published_at"]).dt.total_seconds(),
            "decisions": (~np.isnat(table.at)).sum(axis=1),
            **{name: events[name] for name in ("session", "provider", *IDENTIFIERS)},
        }
        return ReadableFrame(pd.DataFrame(columns).sort_values("received_at", kind="stable", ignore_index=True))

    def summary(self) -> dict[str, Any]:
        """Plain values, for all days."""
        days, at = self._whole.days, self._whole.at
        return {
            "file": str(self.file), "events": len(self), "decisions": int((~np.isnat(at)).sum()),
            "first_day": days.min().item(), "last_day": days.max().item(), "exits": list(self._whole.net_bps),
            "marks": list(self._whole.marks),
        }  # fmt: skip

    def blocks(self) -> list[Block]:
        """Marks, counts, what is sealed, and the first open events."""
        opened = self.open_days
        kept = f"{len(opened.table):,} events on {len(set(opened.table.days))} open days"
        sealed = f"; {opened.sealed.events:,} on {opened.sealed.days} sealed days" if opened.sealed else ""
        rows = self.frame().drop(columns=list(IDENTIFIERS)).head(SHOWN)
        return [
            *warnings_of(self._whole.marks),
            Block("text", self._sentence()),
            Block("text", f"{kept}{sealed}. The first {len(rows)} of them:"),
            frame_block(rows),
        ]

    def __str__(self) -> str:
        return "\n".join([*self._whole.marks, self._sentence(), str(self.file)])

    def _sentence(self) -> str:
        found = self.summary()
        return (
            f"{len(self):,} events, {found['decisions']:,} decisions, {found['first_day']} to {found['last_day']}, "
            f"exits {', '.join(found['exits'])} net of costs"
        )
