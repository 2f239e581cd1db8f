"""The simulated gateway for those who embed it: what replay, parity, archive days and tests build on."""

from momentum_kit.simgateway import events
from momentum_kit.simgateway.broker import (
    SWITCHES,
    AccountPosition,
    BrokerAssumptions,
    CompletedOrder,
    SimulatedBroker,
    open_broker,
)
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.lock_step import LockStep
from momentum_kit.simgateway.market.bar_market import RealDay, open_bar_market
from momentum_kit.simgateway.market.generated_source import GeneratedSource
from momentum_kit.simgateway.market.headlines import Story, compose, metadata, story_hash
from momentum_kit.simgateway.market.history import HistoryError
from momentum_kit.simgateway.market.market import Market
from momentum_kit.simgateway.market.recorded_market import RecordedMarket, RecordedSymbol, open_recorded_market, stock
from momentum_kit.simgateway.market.retelling import Columns
from momentum_kit.simgateway.market.tape import BarColumns, Floats, Ints, Tape, from_ms, to_ms
from momentum_kit.simgateway.market.universe import FIRST_CON_ID, SMALL_CAPS, Listing
from momentum_kit.simgateway.scenario.scenario import TAPE_BEGINS, NewsSpec, Scenario

__all__ = [
    "FIRST_CON_ID",
    "SMALL_CAPS",
    "SWITCHES",
    "TAPE_BEGINS",
    "AccountPosition",
    "BarColumns",
    "BrokerAssumptions",
    "Columns",
    "CompletedOrder",
    "Floats",
    "GeneratedSource",
    "HistoryError",
    "Instrument",
    "Ints",
    "Listing",
    "LockStep",
    "Market",
    "NewsSpec",
    "RealDay",
    "RecordedMarket",
    "RecordedSymbol",
    "Scenario",
    "SimulatedBroker",
    "Story",
    "Tape",
    "compose",
    "events",
    "from_ms",
    "metadata",
    "open_bar_market",
    "open_broker",
    "open_recorded_market",
    "stock",
    "story_hash",
    "to_ms",
]
