"""The sections of a scenario file but for its faults: universe, news, broker, limits; every default and its meaning."""

import re
from datetime import time
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Limit = int | None  # null lifts it


class ScenarioSection(BaseModel):
    """A part of a scenario: frozen, and an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _clock_time(value: object) -> object:
    # YAML 1.1 reads an unquoted 09:30 as a number in base 60 (570), and 09:30:05 as 34205.
    if isinstance(value, int):
        seconds = value if value >= 24 * 60 else value * 60
        return time(seconds // 3600, seconds // 60 % 60, seconds % 60) if seconds < 24 * 3600 else value
    if isinstance(value, str) and not re.fullmatch(r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", value):
        raise ValueError("expected HH:MM or HH:MM:SS, New York time")
    return value


ClockTime = Annotated[time, BeforeValidator(_clock_time)]


class SymbolSpec(ScenarioSection):
    """One symbol with fixed traits; what is left out is drawn from the seed."""

    symbol: str = Field(pattern=r"^[A-Z]{1,5}$")
    """Ticker."""
    price_usd: float | None = Field(default=None, gt=0)
    """Price at the day's open."""
    daily_volume: int | None = Field(default=None, gt=0)
    """Shares on a usual day."""
    spread_bps: float | None = Field(default=None, gt=0)
    """Usual quoted spread."""
    shortable: float = Field(default=3.0, ge=0, le=3)
    """Tick 46: above 2.5 easy to borrow, above 1.5 by locate, else not at all."""


class UniverseSpec(ScenarioSection):
    """Who is listed; AAPL always is."""

    small_caps: int = Field(default=24, ge=0, le=40)
    """Invented small caps between $1 and $20, drawn from the seed."""
    large_caps: int = Field(default=2, ge=0, le=3)
    """Invented large caps besides AAPL."""
    symbols: tuple[SymbolSpec, ...] = ()
    """Symbols with fixed traits: AAPL, one of the invented ones, or a new one."""


class DecoySpec(ScenarioSection):
    """Headlines and moves that must not be bought, counted by kind."""

    silent_move: int = Field(default=0, ge=0)
    """A move without any headline."""
    tiny_move: int = Field(default=0, ge=0)
    """Good news, hardly a move."""
    offering: int = Field(default=0, ge=0)
    """Dilution: the price drops, or spikes all the same."""
    wide_spread: int = Field(default=0, ge=0)
    """A move behind a spread nobody can cross."""
    few_trades: int = Field(default=0, ge=0)
    """A move on a handful of prints."""
    round_up: int = Field(default=0, ge=0)
    """More than three tickers in one headline, one of them moving."""
    stale: int = Field(default=0, ge=0)
    """Published hours ago and relayed now, while the price happens to move."""
    second_feed: int = Field(default=0, ge=0)
    """A planted story once more, on another feed under the same story hash."""
    false_ticker: int = Field(default=0, ge=0)
    """Words that look like tickers (CEO, FDA, AI), no move."""
    pump: int = Field(default=0, ge=0)
    """A spike that is gone within seconds."""
    halt: int = Field(default=0, ge=0)
    """News, a spike into the band, a volatility pause of five minutes, reopening."""
    merger_target: int = Field(default=0, ge=0)
    """A cash offer: the price jumps just below it and stays there."""


class NewsSpec(ScenarioSection):
    """How much news of each kind."""

    providers: tuple[Literal["BRFG", "BRFUPDN", "DJNL", "DJ-N", "DJ-RT"], ...] = ("BRFG", "BRFUPDN", "DJNL")
    """Feeds the account is entitled to; the first three are IB's free ones."""
    planted: int = Field(default=0, ge=0)
    """Headlines followed by a move worth catching."""
    neutral: int = Field(default=0, ge=0)
    """Headlines that move nothing."""
    unplanted: int = Field(default=0, ge=0)
    """Good news on real bars: what the price does then is its own affair."""
    earlier: int = Field(default=0, ge=0)
    """Headlines of the days before and of this morning, only in the news history."""
    decoys: DecoySpec = DecoySpec()


class ApiSpec(ScenarioSection):
    """The gateway's own API settings, which clients from server version 219 on can read."""

    read_only: bool = False
    """Orders, and lists of orders, are refused with 321."""
    bypass_order_precautions: bool = True
    """Presets do not refuse API orders."""
    bypass_no_overfill_protection: bool = False
    """Where an exchange has no overfill protection, nobody is asked."""
    lots_for_us_stocks: bool = False
    """Sizes of US stocks are sent in lots of 100. Only told: sizes here are shares all the same."""
    reject_above_max_rate: bool = True
    """Messages above the rate are refused with 100 and not slowed down. Only told."""
    resubmit_on_reconnect: bool = False
    """Orders are sent again after a lost connection. Only told."""


class CommissionSpec(ScenarioSection):
    """What the simulated broker charges; dated tables are handed over as these values."""

    per_share_usd: float = Field(default=0.005, ge=0)
    """Commission a share (IBKR Pro Fixed)."""
    least_usd: float = Field(default=1.0, ge=0)
    """Least commission an order."""
    most_share: float = Field(default=0.01, ge=0)
    """Most, as a share of the order's value."""
    sec_usd_per_million: float = Field(default=20.60, ge=0)
    """SEC section 31 fee on sells."""
    taf_per_share_usd: float = Field(default=0.0, ge=0)
    """FINRA TAF on sells ($0 from 2026-10-01 to 2026-12-31)."""
    taf_most_usd: float = Field(default=9.79, ge=0)
    """Cap of the TAF an execution."""
    cat_per_share_usd: float = Field(default=0.000003, ge=0)
    """CAT fee, both sides."""


class BrokerSpec(ScenarioSection):
    """The account and how the broker treats its orders."""

    account: str = "DU9000001"
    """Account id."""
    cash_usd: float = Field(default=100_000.0, ge=0)
    """Cash at the start."""
    latency_ms: int = Field(default=120, ge=0)
    """From the order's arrival to the earliest match, market time."""
    partial_fill_share: float = Field(default=0.25, ge=0, le=1)
    """How often a fill comes in several executions."""
    commission: CommissionSpec = CommissionSpec()


class LimitsSpec(ScenarioSection):
    """What IB allows; null lifts a limit."""

    enforced: Literal["in_real_time", "always"] = "in_real_time"
    """When the rates hold, which follow the wall: in_real_time only where market time does too (speed 1)."""
    messages_per_s: Limit = Field(default=50, ge=1)
    """Messages a connection may send in a second (error 100; the third breach ends it; +PACEAPI delays instead)."""
    small_bar_requests: Limit = Field(default=60, ge=1)
    """Requests for bars up to 30 s in ten minutes, over all clients; BID_ASK counts twice (162)."""
    small_bar_burst: Limit = Field(default=6, ge=2)
    """So many of them for the same contract, exchange and tick type within two seconds are a violation (162)."""
    small_bar_identical_s: float | None = Field(default=15.0, ge=0)
    """Seconds before an identical one may follow (162)."""
    open_history: Limit = Field(default=50, ge=0)
    """History requests that are not answered yet, over all clients (322)."""
    market_data_lines: Limit = Field(default=100, ge=0)
    """Market data lines, over all clients (101)."""
    tick_by_tick: Limit = Field(default=5, ge=0)
    """Tick-by-tick subscriptions, over all clients: 5% of the lines (10190)."""
    tick_by_tick_identical_s: float | None = Field(default=15.0, ge=0)
    """Seconds before another tick-by-tick request for the same instrument (10190)."""
    headlines: Limit = Field(default=300, ge=1)
    """Headlines a call may ask for (321)."""
