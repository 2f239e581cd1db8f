"""What research promised of the thresholds in force: their stamp on record, and their signals watched."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from momentum_kit.config import Thresholds, ThresholdsExport
from momentum_kit.detection.live import departs
from momentum_kit.models import MetaRow
from momentum_kit.ports import Journal
from momentum_kit.sessions import session_at

log = structlog.get_logger("engine")

EVERY = timedelta(minutes=15)
LONGEST_GAP = timedelta(minutes=1)  # between two looks; a longer one was spent without a gateway and is not counted


def record_thresholds(thresholds: Thresholds, journal: Journal) -> None:
    """Log and journal which thresholds a session starts with; the hash names an exported file for good."""
    export = thresholds.export
    stamp = f"{thresholds.name} {export.hash}" if export else f"{thresholds.name} not exported"
    journal.write(MetaRow(key="thresholds", value=stamp))
    log.info("thresholds", name=thresholds.name, hash=export.hash if export else "", exported=export is not None)
    if export and export.verdict != "accept":
        log.warning("thresholds without an accepting verdict", verdict=export.verdict, despite=export.despite)


@dataclass(kw_only=True)
class _Tally:
    """Since a set of thresholds came into force."""

    export: ThresholdsExport | None
    seen: int  # signals counted at the last look
    signals: int = 0  # in regular hours
    sessions: float = 0.0  # regular hours that passed, in whole sessions
    last: datetime | None = None
    asked_at: datetime | None = None
    told: set[str] = field(default_factory=set)


class SignalWatch:
    """Counts signals and passed regular hours over all connections of one engine; warns once for each direction."""

    def __init__(self, calendar: str, counts: Counter[str], warn: Callable[[str, str], None]) -> None:
        self._calendar = calendar
        self._counts = counts
        self._warn = warn
        self._tally = _Tally(export=None, seen=0)

    def look(self, now: datetime, export: ThresholdsExport | None) -> None:
        """Take note of what came since the last look, between two beats; another set in force begins anew."""
        if export is not self._tally.export:
            self._tally = _Tally(export=export, seen=self._counts["signals"])
        if export is None:
            return
        tally = self._tally
        last, tally.last = tally.last or now, now
        fresh, tally.seen = self._counts["signals"] - tally.seen, self._counts["signals"]
        session = session_at(now, self._calendar)
        if session is None or not session.contains(now):
            return
        tally.signals += fresh
        if now - last <= LONGEST_GAP:
            tally.sessions += (now - last) / (session.close - session.open)
        if tally.asked_at is None or now - tally.asked_at >= EVERY:
            tally.asked_at = now
            self._compare(tally, export)

    def _compare(self, tally: _Tally, export: ThresholdsExport) -> None:
        low, high = export.signals_per_session_low, export.signals_per_session_high
        side = departs(tally.signals, tally.sessions, low, high, export.signals_dispersion)
        if side and side not in tally.told:
            tally.told.add(side)
            self._warn(
                "warning",
                f"too {side} signals: {tally.signals} in {tally.sessions:.2f} sessions of regular hours, research "
                f"expects {low:.2f} to {high:.2f} a session; these thresholds were made for another market or feed",
            )
