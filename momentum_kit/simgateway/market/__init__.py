"""The simulated market of one day: generated from a seed, told again from a record, or walked through real minutes."""

from momentum_kit.simgateway.market.bar_market import RealDay, open_bar_market
from momentum_kit.simgateway.market.generated_source import GeneratedSource
from momentum_kit.simgateway.market.headlines import PlannedStory, compose_headline, headline_metadata, story_hash
from momentum_kit.simgateway.market.history import BAR_SIZES, HistoryError
from momentum_kit.simgateway.market.market import Market, open_market
from momentum_kit.simgateway.market.prints_from_bars import Columns
from momentum_kit.simgateway.market.recorded_market import (
    RecordedMarket,
    RecordedSymbol,
    open_recorded_market,
    stock_instrument,
)
from momentum_kit.simgateway.market.tape import BarSeries, DayTape, Floats, Ints, build_tape, from_ms, to_ms
from momentum_kit.simgateway.market.universe import AAPL, FIRST_CON_ID, SMALL_CAPS, Company

__all__ = [
    "AAPL",
    "BAR_SIZES",
    "FIRST_CON_ID",
    "SMALL_CAPS",
    "BarSeries",
    "Columns",
    "Company",
    "DayTape",
    "Floats",
    "GeneratedSource",
    "HistoryError",
    "Ints",
    "Market",
    "PlannedStory",
    "RealDay",
    "RecordedMarket",
    "RecordedSymbol",
    "build_tape",
    "compose_headline",
    "from_ms",
    "headline_metadata",
    "open_bar_market",
    "open_market",
    "open_recorded_market",
    "stock_instrument",
    "story_hash",
    "to_ms",
]
