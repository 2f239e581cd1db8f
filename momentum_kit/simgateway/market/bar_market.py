"""Makes a market of real minute bars: inside each minute a seeded path, around them headlines of our own making."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

import numpy as np

from momentum_kit.errors import ArchiveError
from momentum_kit.models import Bar
from momentum_kit.sessions import session_on
from momentum_kit.simgateway.events import NewsEvent
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.market.history import trade_bars
from momentum_kit.simgateway.market.intrabar_path import tape_of_minutes
from momentum_kit.simgateway.market.market import Market
from momentum_kit.simgateway.market.past_sessions import quote_minutes
from momentum_kit.simgateway.market.plan import make_plan
from momentum_kit.simgateway.market.tape import BarSeries, DayTape, to_ms
from momentum_kit.simgateway.market.universe import AAPL, Company, random_stream
from momentum_kit.simgateway.scenario import Scenario

REAL_INSTRUMENTS = {
    "AAPL": AAPL,
    "SPY": Instrument(
        756733,
        "SPY",
        "SPDR S&P 500 ETF TRUST",
        primary_exchange="ARCA",
        trading_class="SPY",
        industry="",
        stock_type="ETF",
    ),
    "IBM": Instrument(
        8314,
        "IBM",
        "INTL BUSINESS MACHINES CORP",
        primary_exchange="NYSE",
        trading_class="IBM",
        isin="US4592001014",
    ),
    "GOOG": Instrument(208813720, "GOOG", "ALPHABET INC-CL C", isin="US02079K1079", industry="Communications"),
}
FIRST_CON_ID = 920_000_001


class QuoteMinute(Protocol):
    """One minute bar of quotes, stamped at its start (aware); prices USD, sizes shares."""

    @property
    def start(self) -> datetime: ...  # noqa: D102
    @property
    def bid_open(self) -> float: ...  # noqa: D102
    @property
    def bid_high(self) -> float: ...  # noqa: D102
    @property
    def bid_low(self) -> float: ...  # noqa: D102
    @property
    def bid_close(self) -> float: ...  # noqa: D102
    @property
    def ask_open(self) -> float: ...  # noqa: D102
    @property
    def ask_high(self) -> float: ...  # noqa: D102
    @property
    def ask_low(self) -> float: ...  # noqa: D102
    @property
    def ask_close(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class RealDay:
    """One symbol's day: minute bars of trades and of quotes (may be empty: then the touch is a tick wide)."""

    trades: Sequence[Bar]
    quotes: Sequence[QuoteMinute] = ()


def open_bar_market(scenario: Scenario, days: Mapping[str, Mapping[date, RealDay]]) -> Market:
    """The market of scenario.day from real bars by symbol and day; earlier days serve history.

    Raises ArchiveError if no symbol has bars on that day.
    """
    return Market(scenario, BarSource(scenario, days))


class BarSource:
    """A TapeSource on real minute bars; minutes without a trade have no prints, as in the record."""

    def __init__(self, scenario: Scenario, days: Mapping[str, Mapping[date, RealDay]]) -> None:
        self.scenario = scenario
        served = sorted(
            symbol for symbol, by_day in days.items() if scenario.day in by_day and by_day[scenario.day].trades
        )
        if not served:
            raise ArchiveError(f"no bars of {scenario.day} in the archive")
        listed = [_instrument(symbol, number) for number, symbol in enumerate(sorted(days))]
        by_symbol = {instrument.symbol: instrument for instrument in listed}
        self.instruments: dict[int, Instrument] = {x.con_id: x for x in (AAPL, *listed)}
        self._days = {by_symbol[symbol].con_id: dict(by_day) for symbol, by_day in days.items()}
        self.earlier_days: tuple[date, ...] = tuple(
            sorted({day for by_day in days.values() for day in by_day if day < scenario.day})
        )[-scenario.history_sessions :]
        plan = make_plan(
            scenario, {by_symbol[s].con_id: self._company(by_symbol[s]) for s in served}, self.earlier_days
        )
        self.headlines: tuple[NewsEvent, ...] = tuple(plan.headlines)
        self.truth: dict[str, list[dict[str, Any]]] = plan.truth
        self._tapes: dict[tuple[int, date], DayTape] = {}

    def tape(self, con_id: int, day: date) -> DayTape | None:
        """A day of prints and quotes that adds up to the real bars."""
        real = self._days.get(con_id, {}).get(day)
        if real is None:
            return None
        if (con_id, day) not in self._tapes:
            instrument = self.instruments[con_id]
            rng = random_stream(self.scenario.seed, instrument.symbol, "walk", day.isoformat())
            bids, asks = (_quote_columns(real, side, instrument.min_tick) for side in ("bid", "ask"))
            self._tapes[con_id, day] = tape_of_minutes(con_id, _trades(real), bids, asks, instrument.min_tick, rng)
        return self._tapes[con_id, day]

    def minutes(self, con_id: int, day: date, what: str) -> BarSeries | None:
        """Minute bars of an earlier day; wap and count, which the record lacks, come from the walk."""
        real, session = self._days.get(con_id, {}).get(day), session_on(day)
        if real is None or session is None or day not in self.earlier_days:
            return None
        if what != "TRADES":
            return _known(_quote_columns(real, what.lower(), self.instruments[con_id].min_tick))
        tape = self.tape(con_id, day)
        return trade_bars(tape, slice(None), session, 60) if tape else None

    def _company(self, instrument: Instrument) -> Company:
        first = self._days[instrument.con_id][self.scenario.day].trades[0]
        return Company(
            instrument=instrument,
            product="its core business",
            price=first.open,
            daily_volume=0,
            spread_bps=0.0,
            daily_sigma=0.0,
            print_shares=0.0,
            small=False,
        )


def _instrument(symbol: str, number: int) -> Instrument:
    return REAL_INSTRUMENTS.get(symbol) or replace(
        AAPL, con_id=FIRST_CON_ID + number, symbol=symbol, long_name=symbol, isin=""
    )


def _trades(real: RealDay) -> BarSeries:
    bars = [bar for bar in real.trades if bar.volume > 0]
    names = ("open", "high", "low", "close", "volume", "wap")
    columns = [np.array([getattr(bar, name) for bar in bars], dtype=np.float64) for name in names]
    start_ms = np.array([to_ms(bar.start) for bar in bars], dtype=np.int64)
    count = np.array([bar.count for bar in bars], dtype=np.int64)
    opened, high, low, close, volume, wap = columns
    return BarSeries(start_ms, opened, high, low, close, volume, wap, count)


def _known(bars: BarSeries) -> BarSeries:
    """The minutes in which somebody quoted this side."""
    return bars.rows(~np.isnan(bars.close))


def _quote_columns(real: RealDay, side: str, tick: float) -> BarSeries:
    if not real.quotes:
        trades = _trades(real)
        half_spread = tick / 2 / float(np.mean(trades.close)) if len(trades) else 0.0
        return quote_minutes(trades, trades.start_ms, half_spread, tick, -1 if side == "bid" else 1)
    opened, high, low, close = (
        np.array([getattr(quote, f"{side}_{name}") for quote in real.quotes], dtype=np.float64)
        for name in ("open", "high", "low", "close")
    )
    start_ms = np.array([to_ms(quote.start) for quote in real.quotes], dtype=np.int64)
    return BarSeries.of_quotes(start_ms, opened, high, low, close)
