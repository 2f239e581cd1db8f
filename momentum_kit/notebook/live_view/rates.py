"""How many signals other thresholds would have given: the session's own decisions, judged again. No I/O, no clock."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from momentum_kit.config import Thresholds
from momentum_kit.detection.batch import rule_arrays
from momentum_kit.detection.live import RULES

FEATURES = (
    "price", "ret_60s", "ret_300s", "ret_news", "z_tod", "rvol_bar", "rvol_cum", "dollar_volume_60s", "trades_60s",
    "spread_bps", "clv",
)  # fmt: skip
"""What the rules read."""
MOST = 50_000  # decision times kept: some forty busy hours; then the older half is forgotten


@dataclass(frozen=True, slots=True)
class SignalShare:
    """Signals among the items that were judged.

    unknown: items beside these that did give a signal, at a moment that no longer would: they were not judged on.
    """

    signals: int
    unknown: int
    items: int

    @property
    def words(self) -> str:
        """`4 of 30`, `4 to 6 of 30` where it cannot be known exactly."""
        most = f" to {self.signals + self.unknown}" if self.unknown else ""
        return f"{self.signals}{most} of {self.items}"


class JudgedDecisions:
    """Every decision time so far: what the rules saw, and whether only they decided."""

    def __init__(self) -> None:
        self._values = np.empty((1024, len(FEATURES)))
        self._items = np.empty(1024, dtype=np.int64)
        self._signals = np.empty(1024, dtype=bool)
        self._count = 0
        self._codes: dict[str, int] = {}
        self._seen: set[tuple[str, str]] = set()

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row of the journal's decisions; a last word repeats one and is passed over, as is a row told twice.

        What a gate refused, such as a halt or an old quote, no threshold lifts: the item counts, its row never signals.
        """
        item, signal = str(row.get("item_id")), row.get("verdict") == "signal"
        code = self._codes.setdefault(item, len(self._codes))
        key = (item, str(row.get("decided_at")))
        features = row.get("features")
        if key in self._seen or not isinstance(features, Mapping) or not (signal or row.get("reason") in RULES):
            return
        self._make_room()
        self._seen.add(key)
        self._values[self._count] = [_value(features.get(name)) for name in FEATURES]
        self._items[self._count] = code
        self._signals[self._count] = signal
        self._count += 1

    def rate(self, thresholds: Thresholds) -> SignalShare:
        """What these thresholds would have made of all of it."""
        values = self._values[: self._count]
        features = {name: values[:, column] for column, name in enumerate(FEATURES)}
        passed = rule_arrays(features, thresholds).passed.all(axis=0)
        items, signals = self._items[: self._count], self._signals[: self._count]
        certain = np.unique(items[passed])
        cut_short = np.setdiff1d(items[signals], certain)
        return SignalShare(len(certain), len(cut_short), len(self._codes))

    def _make_room(self) -> None:
        if self._count < len(self._items):
            return
        if self._count < MOST:
            arrays = (self._values, self._items, self._signals)
            self._values, self._items, self._signals = (np.concatenate((kept, np.empty_like(kept))) for kept in arrays)
            return
        half = self._count // 2
        for kept in (self._values, self._items, self._signals):
            kept[: self._count - half] = kept[half : self._count].copy()
        self._count -= half


def expected_a_session(thresholds: Thresholds, moved: SignalShare, tuned: SignalShare) -> str:
    """What research promised of the tuned file, and what this session makes of that for moved limits; '' unstamped."""
    stamp = thresholds.export
    if stamp is None:
        return ""
    low, high = stamp.signals_per_session_low, stamp.signals_per_session_high
    words = f"research: {stamp.signals_per_session:.1f} signals a session ({low:.1f} to {high:.1f}) by the file"
    if tuned.signals and moved != tuned:
        share = moved.signals / tuned.signals
        words += f"; by these about {stamp.signals_per_session * share:.1f}"
    return words


def _value(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
