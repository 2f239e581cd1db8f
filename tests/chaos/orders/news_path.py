"""A world's market for an engine that reads and judges for itself: its paths, with headlines where it has signals.

Before the world begins lies a quiet half hour, and before that two sessions, so that there is something to measure
against. A headline lifts its symbol's price a little, for good: what is bought has moved since its news.
"""

import random
import zlib
from datetime import date, datetime, timedelta

import numpy as np

from momentum_kit.simgateway.embedding import (
    BarSeries,
    DayTape,
    GeneratedSource,
    PlannedStory,
    Scenario,
    compose_headline,
)
from momentum_kit.simgateway.events import NewsEvent
from momentum_kit.simgateway.scenario import BrokerSpec
from momentum_kit.simgateway.scenario.sections import SymbolSpec, UniverseSpec
from tests.chaos.orders.worlds import Listing, Signal, World
from tests.helpers.trading_floor import PathSource, Touch

WARM_S = 1800
TAIL_S = 600
HEARD_S = 0.5  # of the second in which detection would have wanted it
FEEDS = ("DJNL", "BRFG")


def scenario_of(world: World) -> Scenario:
    """The market day of a world: its symbols at their prices, its broker."""
    symbols = tuple(
        SymbolSpec(symbol=each.instrument.symbol, price_usd=each.path[0][0], daily_volume=3_000_000)
        for each in world.listings
    )
    return Scenario(
        seed=world.seed,
        start=world.start,
        end=world.start.replace(hour=world.start.hour + 1, minute=30),
        history_sessions=2,
        universe=UniverseSpec(small_caps=0, large_caps=0, symbols=symbols),
        broker=BrokerSpec(
            latency_ms=world.latency_ms, partial_fill_share=world.partial_fill_share, cash_usd=1_000_000.0
        ),
    )


class NewsPath(PathSource):
    """The tape source of a world."""

    def __init__(self, scenario: Scenario, world: World) -> None:
        self._generated = GeneratedSource(scenario)
        self._day = scenario.day
        companies = self._generated.companies
        signals = [deed for deed in world.deeds if isinstance(deed, Signal)]
        paths, halts = {}, {}
        for listing in world.listings:
            con_id = listing.instrument.con_id
            own = [signal for signal in signals if signal.con_id == con_id]
            paths[companies[con_id].instrument] = _path(listing, own, random.Random(world.seed ^ con_id))
            halts[con_id] = tuple((second + WARM_S, state) for second, state in listing.halts)
        super().__init__(scenario.starts_at - timedelta(seconds=WARM_S), paths, halts)
        self.earlier_days = self._generated.earlier_days
        self.headlines = tuple(self._headline(number, each, scenario) for number, each in enumerate(signals))

    def tape(self, con_id: int, day: date) -> DayTape | None:
        """Of the one day; what lies before it are minutes."""
        return super().tape(con_id, day) if day == self._day and con_id in self.instruments else None

    def minutes(self, con_id: int, day: date, what: str) -> BarSeries | None:
        """Bars of the sessions before."""
        return self._generated.minutes(con_id, day, what)

    def _headline(self, number: int, signal: Signal, scenario: Scenario) -> NewsEvent:
        """The same item is the same story, told again on another feed."""
        key = zlib.crc32(signal.item.encode())
        feed = FEEDS[number % len(FEEDS)]
        at: datetime = scenario.starts_at + timedelta(seconds=signal.second + HEARD_S)
        story = PlannedStory("planted", self._generated.companies[signal.con_id])
        return NewsEvent(
            time=at,
            published=at - timedelta(seconds=HEARD_S),
            provider=feed,
            article_id=f"{feed}${key:08x}",
            text=compose_headline(story, feed, np.random.default_rng([scenario.seed, key])),
            extra="A:800015:L:en",
            con_ids=(signal.con_id,),
        )


def _path(listing: Listing, signals: list[Signal], dice: random.Random) -> list[Touch]:
    bid, ask, size = listing.path[0]
    before = [(round(bid * (1 + dice.uniform(-0.001, 0.001)), 2), size) for _ in range(WARM_S)]
    path = [(each, round(each + ask - bid, 2), size) for each, size in before]
    lift, due = 1.0, sorted(signals, key=lambda signal: signal.second)
    for second, (low, high, size) in enumerate([*listing.path, *listing.path[-1:] * TAIL_S]):
        while due and due[0].second < second:
            lift *= 1.005 + due.pop(0).atr / 5
        lifted = round(low * lift, 2)
        path.append((lifted, round(lifted + high - low, 2), size))
    return path
