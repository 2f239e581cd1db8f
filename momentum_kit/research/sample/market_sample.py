"""A seeded market with known truth: headlines, tapes and quotes in which only the planted thresholds are worth money.

    sample = generate(SampleSpec(seed=1))
    table = build(sample.source, *sample.span)                 in memory, as from an archive
    write_sample("data/sample", SAMPLE)                        as archive files, truth.json beside them (sample_archive)

Whenever an event's features pass the planted thresholds at a decision time, the price drifts on from there so that the
default exit rule nets `edge_bps` on average; any other event only loses its costs. So looser thresholds let losers in,
and stricter ones leave winners out.

Realistic: cents, spreads of 10 to 90 bps with at least a cent, prices of 1 to 20 USD, fat tails, a volume that is high
at the open and the close and volatility that follows it, minutes without a trade, jumps that take five seconds to a
minute with unrest after them, shown sizes, fees; news without a move, moves without volume, volume without a move,
offerings, halts, false prints and crossed quotes; headlines in IB's formats that arrive a second or a minute late.

Not realistic: no market moves the symbols together, prices return to their level over night, nothing trades outside
regular hours, events of a symbol are 90 minutes apart, a jump ends before the first decision (what follows has no
direction but the planted one), nobody leaks a headline, and a drift that pays everybody's costs exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count

import numpy as np
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.detection.news import ReadHeadline, read_headline, same_story
from momentum_kit.errors import InputError
from momentum_kit.models import Headline
from momentum_kit.research.events import EventSettings, MemorySource, read_news
from momentum_kit.research.sample.news import company, listing, write
from momentum_kit.research.sample.shocks import KINDS, SLOTS, Arrivals, draw_arrivals, draw_shocks
from momentum_kit.research.sample.tape import Columns, Floats, assemble, draw, draw_traits
from momentum_kit.research.sample.truth import NEVER, PLANTED, break_even, first_pass, settle
from momentum_kit.sessions import TradingSession, previous_sessions, session_on
from momentum_kit.simgateway.embedding import Company
from momentum_kit.storage.archive import DatedMaster, from_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSpec:
    """What to generate. The same spec gives the same sample, to the bit.

    days: sessions with headlines, after warm_up sessions that only feed baselines. edge_bps: what the default exit
    rule nets on average where the planted thresholds hold; any other event loses its costs. placebo: no edge anywhere,
    in its hardest form: every event pays its costs back, so that luck alone decides. Measured over 10,000 events: -2
    bps net where the planted thresholds hold, -13 elsewhere, where thin books cost more than was planned for.
    """

    seed: int = 1
    days: int = 125
    symbols: int = 20
    headlines_a_day: int = 40
    edge_bps: float = 20.0
    placebo: bool = False
    planted: Thresholds = PLANTED
    first_day: date = date(2025, 6, 2)
    warm_up: int = 20

    def __post_init__(self) -> None:
        if min(self.days, self.symbols, self.headlines_a_day, self.warm_up) < 1:
            raise InputError("sample: days, symbols, headlines_a_day and warm_up must be at least 1")
        if self.headlines_a_day > self.symbols * SLOTS // 2:
            most = self.symbols * SLOTS // 2
            raise InputError(f"sample: {self.symbols} symbols have room for {most} headlines a day; take more symbols")


SAMPLE = SampleSpec(seed=7, days=15, symbols=12, headlines_a_day=22, first_day=date(2026, 5, 4), warm_up=12)
"""The sample that is committed under data/sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A generated market. source: what event tables and outcomes read; its days include the warm-up.

    truth: a row an event in the order of the headlines: item_id, story_id, symbol, con_id, day, kind, received_at,
    first_pass_at (NaT: the planted thresholds never hold), drift_bps.
    """

    spec: SampleSpec
    source: MemorySource
    truth: pd.DataFrame

    @property
    def span(self) -> tuple[date, date]:
        """First and last day with headlines."""
        return self.source.days[self.spec.warm_up], self.source.days[-1]


def generate(spec: SampleSpec) -> Sample:
    """A market in memory; 5,000 events with their minutes of half a year in some seconds."""
    sessions = _sessions(spec)
    arrivals = draw_arrivals(
        np.random.default_rng([spec.seed, 0]), sessions, spec.warm_up, spec.symbols, spec.headlines_a_day
    )
    series: dict[tuple[str, str], Columns] = {}
    news: list[Headline] = []
    truths: list[pd.DataFrame] = []
    for index in range(spec.symbols):
        made, lines, truth = _symbol(spec, index, sessions, arrivals.of(index))
        symbol = company(index).instrument.symbol
        series |= {(kind, symbol): columns for kind, columns in made.items()}
        news += lines
        truths += [truth] if truth is not None else []
    order = sorted(range(len(news)), key=lambda row: (news[row].published_at, news[row].article_id))
    days = [session.day for session in sessions]
    master = DatedMaster(days[0], tuple(listing(company(index)) for index in range(spec.symbols)), "sample")
    source = MemorySource(series=series, days=days, news=[news[row] for row in order], masters=(master,))
    return Sample(spec, source, pd.concat(truths, ignore_index=True).iloc[order].reset_index(drop=True))


def _symbol(
    spec: SampleSpec, index: int, sessions: Sequence[TradingSession], arrivals: Arrivals
) -> tuple[dict[str, Columns], list[Headline], pd.DataFrame | None]:
    """Series, headlines and truth of one symbol; all its randomness hangs on the seed and its index."""
    rng = np.random.default_rng([spec.seed, 1, index])
    traits = draw_traits(rng)
    draws = draw(rng, traits, sessions, draw_shocks(rng, arrivals, spec.planted))
    listed = company(index)
    symbol = listed.instrument.symbol
    lines = _headlines(rng, arrivals, listed, np.exp(draws.opening))
    if not lines:
        return assemble(draws, np.zeros(draws.cell_return.shape)), [], None
    master = DatedMaster(sessions[0].day, (listing(listed),), "sample")
    heard = MemorySource(series={}, days=[session.day for session in sessions], news=lines, masters=(master,))
    items = read_news(heard, sessions[0].day, sessions[-1].day, EventSettings().news, None).frame()
    if spec.placebo:
        series, table, drift_bps = break_even(draws, symbol, items, spec.planted)
    else:
        series, table, drift_bps = settle(draws, symbol, items, spec.planted, spec.edge_bps)
    k = first_pass(table, spec.planted)
    at = pd.Series(pd.to_datetime(table.at[np.arange(k.size), np.maximum(k, 0)], utc=True))
    truth = table.events[["item_id", "story_id", "symbol", "con_id", "day", "received_at"]].assign(
        kind=[KINDS[kind] for kind in arrivals.kind], first_pass_at=at.where(k != NEVER), drift_bps=drift_bps
    )
    return series, lines, truth


def _headlines(rng: np.random.Generator, arrivals: Arrivals, listed: Company, prices: Floats) -> list[Headline]:
    """What is written about one company, never one story twice within two days: it would be one news item.

    A story that was told lately is drawn anew, and from the second time on with the company's next product.
    """
    lines: list[Headline] = []
    told: list[ReadHeadline] = []
    for row, day in enumerate(arrivals.day):
        published, received = from_micros(arrivals.published_at[row]), from_micros(arrivals.received_at[row])
        for attempt in count():
            company = replace(listed, product=_later_product(listed.product, attempt))
            line = write(KINDS[arrivals.kind[row]], company, float(prices[day]), rng, published, received)
            reading = read_headline(line.text, contract_symbol=listed.instrument.symbol)
            if not any(same_story(reading, other) for other in told[-2 * SLOTS :]):
                lines.append(line)
                told.append(reading)
                break
    return lines


def _later_product(name: str, number: int) -> str:
    """The product itself, then `name 2`, `name 3`: as many as a company needs for stories of its own."""
    return f"{name} {number}" if number > 1 else name


def _sessions(spec: SampleSpec) -> list[TradingSession]:
    sessions = previous_sessions(spec.first_day, spec.warm_up)
    day = spec.first_day
    while len(sessions) < spec.warm_up + spec.days:
        session = session_on(day)
        sessions += [session] if session else []
        day += timedelta(days=1)
    return sessions
