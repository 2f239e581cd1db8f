import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from momentum_kit.config import NewsSettings
from momentum_kit.errors import NoData, ResearchError
from momentum_kit.models.contracts import Contract, ContractDetails
from momentum_kit.models.news import Headline, HeadlinePhase, NewsItem, NewsProvider
from momentum_kit.research.events import Latency, MemorySource, build, read_news
from momentum_kit.services.news import NewsHandler
from momentum_kit.storage.archive import DatedMaster, Listing
from tests.helpers.contexts import context_of

DAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
LISTED = {
    "ACME": (101, "ACME THERAPEUTICS INC"),
    "GLBX": (102, "GLOBEX CORP"),
    "F": (103, "FORD MOTOR CO"),
    "AI": (104, "C3.AI INC"),
    "HOOL": (105, "HOOLI HOLDINGS"),
}
TEXTS = [
    "{A:800015:L:en:K:0.9:C:0.8}Acme Therapeutics (NASDAQ: ACME) wins FDA approval for its first drug",
    "Acme Therapeutics (ACME) wins FDA approval for its first drug",
    "Globex Corp. (GLBX) to acquire Acme Therapeutics (ACME) for $5 a share in cash today",
    "!Goldman downgraded Ford Motor (F) to sell",
    "New methods of artificial intelligence (AI) change newsrooms everywhere",
    "Movers: $ACME, $GLBX, $HOOL and $F rise before the open on heavy volume",
    "Fed leaves rates where they are, as expected by most economists",
    "Nobody Corp (NASDAQ: NOBO) announces a purchase order from a large customer",
    "Hooli Holdings (HOOL) announces results",
]


class Stream:
    """A feed that sends what it was given and then waits; and the market that knows LISTED."""

    def __init__(self, lines: list[Headline], clock: "StreamClock") -> None:
        self._lines, self._clock = lines, clock
        self.done = asyncio.Event()

    async def fetch_news_providers(self) -> tuple[NewsProvider, ...]:
        """One tape."""
        return (NewsProvider("BRFG", "Briefing"),)

    async def stream_headlines(self, _source: object) -> AsyncIterator[Headline]:
        """Each headline at its reception."""
        for line in self._lines:
            self._clock.at = line.received_at or line.published_at
            yield line
        self.done.set()
        await asyncio.Event().wait()

    async def fetch_contract_details(self, contract: Contract) -> tuple[ContractDetails, ...]:
        """The one stock of the symbol."""
        if contract.symbol not in LISTED:
            raise NoData(200, "No security definition has been found for the request")
        con_id, name = LISTED[contract.symbol]
        found = Contract(contract.symbol, con_id, primary_exchange="NASDAQ")
        return (
            ContractDetails(
                contract=found,
                long_name=name,
                min_tick=0.01,
                valid_exchanges=("SMART",),
                market_rule_ids=(26,),
                time_zone_id="US/Eastern",
                trading_hours="",
                liquid_hours="",
            ),
        )


class StreamClock:
    """Market time as of the headline."""

    at = NOON

    def elapsed(self) -> float:
        """Nothing elapses."""
        return 0.0

    def wall_limit(self, market_s: float) -> float:
        """By the wall."""
        return market_s

    def now(self) -> datetime:
        """The reception of the headline on its way."""
        return self.at


def random_tape(seed: int) -> list[Headline]:
    """Three days of stories that repeat, round-ups, late ones, snapshots, and ones tied to a contract."""
    rng = np.random.default_rng(seed)
    lines, at = [], NOON - timedelta(days=1)
    for number in range(300):
        at += timedelta(seconds=float(rng.exponential(700)))
        delay_s = float(rng.choice([0.2, 2.0, 110.0, 130.0, -3.0]))
        text = str(rng.choice(TEXTS)).replace("first", str(rng.choice(["first", "second", "third"])))
        phase = HeadlinePhase.SNAPSHOT if rng.random() < 0.1 else HeadlinePhase.LIVE
        symbol = str(rng.choice(list(LISTED)))
        own = Contract(symbol, LISTED[symbol][0]) if rng.random() < 0.2 else None
        story = rng.integers(0, 200) if rng.random() < 0.8 else number + 1000
        received = at + timedelta(seconds=delay_s)
        lines.append(
            Headline(
                provider="BRFG",
                article_id=f"BRFG$st{story:04}",
                text=text,
                published_at=at,
                received_at=received,
                contract=own,
                phase=phase,
            )
        )
    return sorted(lines, key=lambda line: line.received_at)


def source_of(lines: list[Headline], listed=LISTED) -> MemorySource:
    """The tape with a symbol master that knows what the broker knows."""
    listings = tuple(Listing(symbol=symbol, con_id=con_id, name=name) for symbol, (con_id, name) in listed.items())
    return MemorySource(series={}, days=[DAY], news=lines, masters=[DatedMaster(date(2026, 1, 1), listings, "test")])


def line(number: int, at: datetime = NOON, text: str = TEXTS[0], **fields) -> Headline:
    """One live headline."""
    return Headline(
        provider="BRFG",
        article_id=f"BRFG$st{number:04}",
        text=text,
        published_at=at,
        **({"received_at": at + timedelta(seconds=1)} | fields),
    )


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_items_and_skips_as_the_news_handler(seed):
    """Order of skips, stories, tickers, contracts, catalysts and metadata: headline by headline."""
    lines = random_tape(seed)
    clock, counts, items = StreamClock(), Counter(), asyncio.Queue()
    stream = Stream(lines, clock)
    settings = NewsSettings(broad_tapes=("BRFG",))
    context = context_of(clock=clock, counts=counts)
    handler = NewsHandler(
        context, feed=stream, market=stream, settings=settings, master=None, reader=None, items=items
    )  # fmt: skip
    task = asyncio.create_task(handler.run())
    await stream.done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    live: list[NewsItem] = [items.get_nowait() for _ in range(items.qsize())]

    source = source_of(lines)
    news = read_news(source, date(2026, 6, 1), date(2026, 6, 30), settings)
    assert [row.item_id for row in news.rows] == [item.item_id for item in live]
    assert [row.n_tickers for row in news.rows] == [item.n_tickers for item in live]
    assert {f"skip: {reason}": n for reason, n in news.skips.items() if n} == {
        name: n for name, n in counts.items() if name.startswith("skip")
    }
    table = build(source, date(2026, 6, 1), date(2026, 6, 30))
    expected = {(item.item_id, item.headline.received_at): item.catalyst.value for item in live}
    keys = zip(table.events["item_id"], table.events["received_at"].dt.to_pydatetime(), strict=True)
    assert dict(zip(keys, table.events["catalyst"], strict=True)) == expected


def test_a_repeated_story_is_judged_once():
    """Within 24 hours, also where the first came before the first day of the study."""
    lines = [line(1, NOON - timedelta(hours=20)), line(1), line(2, text=TEXTS[8])]
    news = read_news(source_of(lines), DAY, DAY, NewsSettings())
    assert [row.story_id for row in news.rows] == ["st0002"]
    assert news.skips["duplicate story"] == 1


def test_what_the_master_does_not_know_is_counted():
    """Companies that were delisted since must not vanish without a word."""
    news = read_news(source_of([line(1), line(2, text=TEXTS[7]), line(3, text=TEXTS[6])]), DAY, DAY, NewsSettings())
    assert news.marks == ("SURVIVORSHIP: 1 of 2 headlines with a ticker matched nothing",)


def test_a_symbol_is_what_it_was_on_that_day():
    """The master of the day decides, not today's."""
    source = source_of([line(1), line(2, NOON + timedelta(days=7), text=TEXTS[0].replace("first", "next"))])
    later = DatedMaster(date(2026, 6, 20), (Listing(symbol="ACME", con_id=999, name="ACME THERAPEUTICS INC"),), "test")
    source = dataclasses.replace(source, masters=[*source.masters, later])
    news = read_news(source, DAY, date(2026, 6, 30), NewsSettings())
    assert [row.con_id for row in news.rows] == [101, 999]


def test_receptions_nobody_recorded_are_imputed_and_marked():
    """From the provider's latency, by seed and headline alone; history is no reason to skip then."""
    history = [line(n, text=TEXTS[8] + f" {n}", received_at=None, phase=HeadlinePhase.BACKFILL) for n in range(50)]
    latency = Latency({"BRFG": [0.5, 1.0, 9.0]}, seed=3)
    news = read_news(source_of(history), DAY, DAY, NewsSettings(), latency)
    assert news.marks == ("IMPUTED",)
    delays = {row.item_id: (row.received_at - row.published_at) / 1e6 for row in news.rows}
    assert len(delays) == 50
    assert 0.5 <= min(delays.values()) < 1.5 < max(delays.values()) <= 9.0
    fewer = read_news(source_of(history[10:30]), DAY, DAY, NewsSettings(), latency)
    assert all(delays[row.item_id] == (row.received_at - row.published_at) / 1e6 for row in fewer.rows)
    other = read_news(source_of(history), DAY, DAY, NewsSettings(), dataclasses.replace(latency, seed=4))
    assert [row.received_at for row in other.rows] != [row.received_at for row in news.rows]


def test_history_without_a_latency_is_refused():
    """Nothing is guessed: without a distribution there is no reception time."""
    with pytest.raises(ResearchError, match="give a latency to impute"):
        read_news(source_of([line(1, received_at=None)]), DAY, DAY, NewsSettings())


def test_latency_is_measured_from_live_headlines():
    """By provider, and over all for those never heard."""
    lines = [line(1), line(2, received_at=NOON + timedelta(seconds=3)), line(3, received_at=None)]
    latency = Latency.measured(lines)
    assert latency.samples_s == {"BRFG": [1.0, 3.0], "": [1.0, 3.0]}
    with pytest.raises(ResearchError, match="no headline was heard live"):
        Latency.measured(lines[2:])
    with pytest.raises(ResearchError, match="no samples of BRFG"):
        Latency({"DJNL": [1.0]}).received_at(lines[2])
    with pytest.raises(ResearchError, match="latency of DJNL"):
        Latency({"DJNL": []})


def test_a_headline_from_the_future_is_marked():
    """A provider's clock that runs ahead: the first such row is named; more than 2 s ahead it makes no item."""
    lines = [
        line(1, received_at=NOON - timedelta(seconds=2)),
        line(2, text=TEXTS[8], received_at=NOON - timedelta(hours=1)),
    ]
    news = read_news(source_of(lines), DAY, DAY, NewsSettings())
    assert [row.story_id for row in news.rows] == ["st0001"]
    assert news.skips["future stamp"] == 1
    assert news.marks[0].startswith("FUTURE STAMPS: 2 headlines, first BRFG BRFG$st0002 by 3600.0 s")


def test_no_headlines_and_no_items_are_refused():
    """With what was heard and why nothing came of it."""
    with pytest.raises(ResearchError, match="no headlines from 2026-06-15 to 2026-06-15"):
        build(source_of([]), DAY, DAY)
    with pytest.raises(ResearchError, match="nothing came of 2 headlines: no ticker 1, unknown contract 1"):
        build(source_of([line(1, text=TEXTS[6]), line(2, text=TEXTS[7])]), DAY, DAY)


def test_a_naive_time_is_refused():
    """It could be anybody's noon."""
    naive = dataclasses.replace(line(1), published_at=NOON.replace(tzinfo=None))
    source = dataclasses.replace(source_of([]), news=[naive])
    with pytest.raises(ResearchError, match="naive time 2026-06-15T16:00:00"):
        read_news(source, DAY, DAY, NewsSettings())


def test_the_order_is_that_of_reception_over_the_turn_of_a_month():
    """A headline published in June and received in July waits for July's."""
    turn = datetime(2026, 7, 1, 4, tzinfo=UTC)  # midnight in New York
    late = line(1, turn - timedelta(seconds=30), received_at=turn + timedelta(seconds=60), text=TEXTS[8])
    early = line(2, turn + timedelta(seconds=1))
    news = read_news(source_of([late, early]), DAY, date(2026, 7, 2), NewsSettings())
    assert [row.story_id for row in news.rows] == ["st0002", "st0001"]


def test_an_update_bars_an_item_from_its_reception_on():
    """As in a session: an offering told later in a known story, not what comes after a quarter of an hour."""
    later = "Update: Acme Therapeutics (ACME) wins FDA approval, prices $9 million public offering"
    lines = [
        line(1, text=TEXTS[1]),
        dataclasses.replace(line(1, text=later, received_at=NOON + timedelta(seconds=31)), provider="FLY"),
        line(2, text="Hooli Holdings (HOOL) wins large contract from navy"),
        line(
            2, text="Hooli Holdings (HOOL) prices $9 million public offering", received_at=NOON + timedelta(minutes=16)
        ),
    ]
    rows = read_news(source_of(lines), DAY, DAY, NewsSettings(max_age_s=3_600)).rows
    told = {row.symbol: (row.later_at, row.later_catalyst) for row in rows}
    at = int((NOON + timedelta(seconds=31)).timestamp() * 1e6)
    assert told == {"ACME": (at, "offering"), "HOOL": (0, "")}


def test_delays_that_nobody_measured_are_no_samples_of_a_latency():
    """Rows whose reception is their publication would impute foresight to the others."""
    lines = [line(n, NOON + timedelta(seconds=n), received_at=NOON + timedelta(seconds=n)) for n in range(30)]
    with pytest.raises(ResearchError, match="no headline was heard live and measured"):
        Latency.measured(lines)
    heard = line(31, received_at=NOON + timedelta(seconds=1.7))
    assert Latency.measured([*lines, heard]).samples_s[""] == [1.7]
