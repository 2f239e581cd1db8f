"""Forward outcomes of an event table: what buying at each decision time would have brought, by exit rule, net of costs.

The rules of a fill stand in trading/fills; here a table's decisions meet the bars and quotes of their symbols.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.config import ExitSettings
from momentum_kit.errors import ResearchError
from momentum_kit.models import OrderAction
from momentum_kit.research.events.table import EventTable
from momentum_kit.research.source import Source
from momentum_kit.sessions import session_on
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES, QUOTES_5S, SECONDS
from momentum_kit.trading import CommissionPlan, CostTable, Rates, commissions, rates_on
from momentum_kit.trading.fills import (
    NO_EXIT,
    NO_FILL,
    STOPPED,
    TARGET,
    TIMED,
    FillBars,
    FillExits,
    FillOrder,
    FillQuotes,
    FillTerms,
    round_trip,
    round_trips,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

AFTERWARDS = timedelta(days=5)  # a halt into the close ends on a later day
NO_QUOTES = "NO QUOTES"
_ENDS = {STOPPED: "stop", TARGET: "target", TIMED: "time"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRule:
    """How a position ends; the first that is reached. The defaults are those of a live session.

    stop_atr, stop_min_pct: R, the distance of the stop, in ATR14 of 1-minute bars, but at least so many per cent.
    target_r, trail_r: target and trailing stop in R, None for none. time_stop_s: longest holding time.
    flat_before_close_s: closed this long before the session's end, half days too.
    """

    name: str
    stop_atr: float = 1.5
    stop_min_pct: float = 2.0
    target_r: float | None = 2.0
    trail_r: float | None = None
    time_stop_s: float = 900.0
    flat_before_close_s: float = 300.0

    def __post_init__(self) -> None:
        sizes = (self.stop_atr, self.stop_min_pct, self.target_r, self.trail_r, self.time_stop_s)
        if any(size is not None and not 0 < size < math.inf for size in sizes):
            raise ResearchError(f"exit rule {self.name}: stop, target, trail and time must be positive")
        if not 0 <= self.flat_before_close_s < math.inf:
            raise ResearchError(f"exit rule {self.name}: flat_before_close_s must be 0 or more")

    @classmethod
    def live(cls, settings: ExitSettings, name: str = "live") -> "ExitRule":
        """The exits of a session with these settings."""
        return cls(
            name=name,
            stop_atr=settings.stop_atr,
            stop_min_pct=settings.stop_min_pct,
            target_r=settings.target_r,
            trail_r=settings.trail_r,
            time_stop_s=settings.time_stop_s,
            flat_before_close_s=settings.flat_before_close_s,
        )

    @classmethod
    def after(cls, name: str, seconds: float) -> "ExitRule":
        """Sold after so many seconds whatever the price, or before the close."""
        return cls(name=name, stop_atr=1e-6, stop_min_pct=99.0, target_r=None, time_stop_s=seconds)

    def compiled(self) -> FillExits:
        """The same numbers as trading/fills takes them."""
        target, trail = (math.nan if each is None else each for each in (self.target_r, self.trail_r))
        return FillExits(self.stop_atr, self.stop_min_pct, target, trail, round(self.time_stop_s * 1e6))


@dataclass(frozen=True, slots=True, kw_only=True)
class FillAssumptions:
    """What cannot be read off a tape. half_spread_bps counts only where there are no quotes.

    impact_coef: times sigma of a minute times the root of (shares / shares of the minute before).
    max_participation: of that minute's volume, without quotes. entry_cap_bps: the entry's limit above the ask.
    cost_multiple scales every cost (spread, impact, fees) of the fills that happen; it never changes which happen.
    """

    latency_s: float = 1.0
    half_spread_bps: float = 17.5
    impact_coef: float = 0.5
    max_participation: float = 0.05
    entry_cap_bps: float = 50.0
    cost_multiple: float = 1.0
    notional_usd: float = 10_000.0
    plan: CommissionPlan = "fixed"

    def __post_init__(self) -> None:
        numbers = {name: value for name, value in dataclasses.asdict(self).items() if name != "plan"}
        if wrong := [name for name, value in numbers.items() if not 0 <= value < math.inf]:
            raise ResearchError(f"fill assumptions: {wrong[0]} must be 0 or more")
        if not self.notional_usd > 0:
            raise ResearchError("fill assumptions: notional_usd must be above 0")

    def stressed(self, *, costs: float = 1.0, latency: float = 1.0) -> "FillAssumptions":
        """The same with all costs, or the latency, times a number: 2 and 5 are the house's stress."""
        return dataclasses.replace(self, cost_multiple=self.cost_multiple * costs, latency_s=self.latency_s * latency)

    def compiled(self) -> FillTerms:
        """The same numbers as trading/fills takes them."""
        return FillTerms(
            round(self.latency_s * 1e6),
            self.half_spread_bps,
            self.impact_coef,
            self.max_participation,
            self.entry_cap_bps,
            self.cost_multiple,
            self.notional_usd,
        )


def add_outcomes(
    table: EventTable, source: Source, exits: Sequence[ExitRule], costs: CostTable, assumptions: FillAssumptions
) -> EventTable:
    """The table with net_bps and gross_bps of every exit rule at every decision time, (N, K) each.

    nan: no fill (beyond the limit, halted, nothing shown), or a position whose end the tape does not reach.
    Raises ResearchError for no exit rule, or two of one name.
    """
    names = [rule.name for rule in exits]
    if not names or len(set(names)) < len(names):
        raise ResearchError(f"outcomes: exit rules need different names, at least one: {', '.join(names) or 'none'}")
    net = {name: np.full(table.at.shape, np.nan) for name in names}
    gross = {name: np.full(table.at.shape, np.nan) for name in names}
    rates = _rates(table, costs, assumptions.plan)
    unquoted = False
    for symbol, seconds, rows in _parts(table):
        bars, quotes = _tape(table, source, symbol, seconds, rows)
        unquoted |= not quotes.start.size
        event, k = (part[~np.isnat(table.at[rows]).ravel()] for part in _positions(rows, table.at.shape[1]))
        at = table.at[event, k].astype("datetime64[us]").astype(np.int64)
        of_event = Rates(*(np.asarray(each)[event] for each in rates))
        for rule in exits:
            ended, numbers = round_trips(
                bars,
                quotes,
                at,
                table.features["price"][event, k],
                table.features["atr"][event, k],
                _close_at(table, event, at, rule),
                rule.compiled(),
                assumptions.compiled(),
            )
            gross[rule.name][event, k], net[rule.name][event, k] = _returns(
                ended, numbers, of_event, assumptions.cost_multiple
            )
    marks = table.marks
    if unquoted and not any(mark.startswith(NO_QUOTES) for mark in marks):
        marks = (*marks, NO_QUOTES)
    return dataclasses.replace(
        table, net_bps={**table.net_bps, **net}, gross_bps={**table.gross_bps, **gross}, marks=marks
    )


def held_positions(
    table: EventTable,
    event: npt.NDArray[np.intp],
    k: npt.NDArray[np.intp],
    source: Source,
    rule: ExitRule,
    assumptions: FillAssumptions,
) -> pd.DataFrame:
    """How each position that was opened at table.at[event, k] went, one row each: ended, held_s, mae_bps, mfe_bps.

    ended: stop, target or time; empty where there was no fill, or no end on this tape. held_s: from the decision to the
    sale, or to the beginning of the bar that sold it. mae_bps, mfe_bps: the lowest and the highest price of the bars
    that lie wholly between purchase and sale, and of the sale itself, against what was paid: of the bars in which it
    was bought and sold nobody knows which part came when.
    """
    chosen = table.select(event)
    ended = np.full(len(chosen), "", dtype=object)
    numbers = np.full((len(chosen), 3), np.nan)
    terms, exits = assumptions.compiled(), rule.compiled()
    for symbol, seconds, rows in _parts(chosen):
        bars, quotes = _tape(chosen, source, symbol, seconds, rows)
        at = chosen.at[rows, k[rows]].astype("datetime64[us]").astype(np.int64)
        closes = _close_at(chosen, rows, at, rule)
        for row, moment, close in zip(rows, at, closes, strict=True):
            price, atr = (float(chosen.features[name][row, k[row]]) for name in ("price", "atr"))
            trip = round_trip(bars, quotes, FillOrder(int(moment), price, atr, int(close)), exits, terms)
            if trip.ended not in _ENDS:
                continue
            held = (bars.start >= moment + terms.latency_us) & (bars.start + bars.length <= trip.sold_at)
            worst, best = min([trip.sell, *bars.low[held]]), max([trip.sell, *bars.high[held]])
            ended[row] = _ENDS[trip.ended]
            numbers[row] = ((trip.sold_at - moment) / 1e6, (worst / trip.buy - 1) * 1e4, (best / trip.buy - 1) * 1e4)
    frame = pd.DataFrame(numbers, columns=["held_s", "mae_bps", "mfe_bps"])
    return frame.assign(ended=ended)


def _returns(ended: Ints, numbers: Floats, rates: Rates, multiple: float) -> tuple[Floats, Floats]:
    """Gross and net bps of the round trips that ended; nan for the others."""
    shares, fair_buy, bought, fair_sell, sold = numbers.T
    known = (ended != NO_FILL) & (ended != NO_EXIT)
    fees = commissions(rates, OrderAction.BUY, shares, bought) + commissions(rates, OrderAction.SELL, shares, sold)
    with np.errstate(invalid="ignore", divide="ignore"):
        gross = (fair_sell / fair_buy - 1) * 1e4
        net = ((sold - bought) * shares - multiple * fees) / (bought * shares) * 1e4
    return np.where(known, gross, np.nan), np.where(known, net, np.nan)


def _positions(rows: npt.NDArray[np.intp], width: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.repeat(rows, width), np.tile(np.arange(width), rows.size)


def _parts(table: EventTable) -> Iterator[tuple[str, int, npt.NDArray[np.intp]]]:
    """Symbol, seconds of the bars that judged them (read off the decision times) and rows of the events, by symbol."""
    if not len(table):
        return
    fine = np.zeros(len(table), dtype=bool)
    if table.at.shape[1] > 1:
        fine = table.at[:, 1] - table.at[:, 0] == np.timedelta64(5, "s")  # minute bars: a minute apart, or only one
    symbols = table.events["symbol"].to_numpy(dtype=str)
    for symbol in np.unique(symbols):
        for seconds, chosen in ((5, fine), (60, ~fine)):
            rows = np.flatnonzero((symbols == symbol) & chosen)
            if rows.size:
                yield str(symbol), seconds, rows


def _tape(
    table: EventTable, source: Source, symbol: str, seconds: int, rows: npt.NDArray[np.intp]
) -> tuple[FillBars, FillQuotes]:
    """Bars as they judged the events, and the quotes that go with them, else the other series of quotes."""
    days = table.days[rows]
    reach = days.min().astype(date), days.max().astype(date) + AFTERWARDS
    bars, kinds = (BARS_5S, (QUOTES_5S, QUOTES)) if seconds == 5 else (BARS, (QUOTES, QUOTES_5S))
    quoted = next((kind for kind in kinds if _present(source, kind, symbol, *reach)), kinds[0])
    return (
        FillBars(*_series(source, bars, symbol, *reach, FillBars._fields[2:])),
        FillQuotes(*_series(source, quoted, symbol, *reach, FillQuotes._fields[2:])),
    )


def _present(source: Source, kind: str, symbol: str, first: date, last: date) -> bool:
    return any(count and first <= day <= last for day, (count, _) in source.provenances(kind, symbol).items())


def _series(
    source: Source, kind: str, symbol: str, first: date, last: date, names: Sequence[str]
) -> list[npt.NDArray[Any]]:
    """Start and length in microseconds, then the named columns; empty arrays where there is no such series."""
    if not _present(source, kind, symbol, first, last):  # without quotes the study says so, without bars nothing fills
        return [np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), *(np.empty(0) for _ in names)]
    found = source.columns(kind, symbol, first, last)
    start = np.ascontiguousarray(found["start"], dtype=np.int64)
    length = np.full(start.size, SECONDS[kind] * 1_000_000)
    return [start, length, *(np.ascontiguousarray(found[name], dtype=np.float64) for name in names)]


def _close_at(table: EventTable, event: npt.NDArray[np.intp], at: Ints, rule: ExitRule) -> Ints:
    """When positions of each decision are closed for the day, microseconds; 0 outside a session and after its end."""
    days, index = np.unique(table.days, return_inverse=True)
    sessions = [session_on(day.astype(date)) for day in days]
    closes = np.array([round(each.close.timestamp()) * 1_000_000 if each else 0 for each in sessions], dtype=np.int64)
    close = closes[index][event]
    return np.where(at < close, close - round(rule.flat_before_close_s * 1e6), 0)


def _rates(table: EventTable, costs: CostTable, plan: CommissionPlan) -> Rates:
    """The rates of each event's day, (N,) each."""
    days, index = np.unique(table.days, return_inverse=True)
    daily = np.array([rates_on(costs, plan, day.astype(date)) for day in days]).reshape(len(days), -1)
    return Rates(*daily[index].T)
