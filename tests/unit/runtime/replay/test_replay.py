"""What of an archive is replayed, what is said of the rest, and how the clock stops for headlines."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from momentum_kit.errors import ArchiveError, BrokerError, RequestFailed
from momentum_kit.models.contracts import Contract
from momentum_kit.models.market import Bar
from momentum_kit.models.news import Article, Headline
from momentum_kit.models.orders import OrderAction, OrderRequest
from momentum_kit.runtime.beats import beat_in_steps
from momentum_kit.runtime.clock import SteppedClock
from momentum_kit.runtime.replay import Replay, replay_of
from momentum_kit.runtime.replay.gateway import ReplayGateway
from momentum_kit.runtime.sim import ArchiveDay
from momentum_kit.sessions import session_on
from momentum_kit.simgateway.embedding import open_broker
from momentum_kit.storage.archive import BARS_5S, QUOTES_5S, Archive, Provenance, QuoteBar, Series

DAY = date(2026, 11, 20)
OPEN = session_on(DAY).open
ORIGIN = Provenance(source="test", sha256="", imported_at=datetime(2026, 11, 21, tzinfo=UTC), adjusted=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive with one bar and three headlines: on a tape, of a contract, and one that nobody saw arrive."""
    archive = Archive(tmp_path / "archive")
    bar = Bar(OPEN, 5, 5.0, 5.0, 5.0, 5.0, 100.0, 5.0, 1)
    archive.extend([Series(kind=BARS_5S, symbol="TESTQ", day=DAY, rows=[bar], provenance=ORIGIN)])
    at, one = OPEN + timedelta(minutes=5), timedelta(seconds=1)
    archive.add_headlines(
        [
            Headline(provider="BRFG", article_id="A$1", text="one", published_at=at, received_at=at + one),
            Headline(
                provider="BZ",
                article_id="A$2",
                text="two",
                published_at=OPEN - timedelta(hours=1),
                received_at=OPEN - timedelta(minutes=50),
                extra="",
                contract=Contract("TESTQ", 7),
            ),
            Headline(provider="BZ", article_id="A$3", text="three", published_at=at + one, received_at=None),
        ],
        ORIGIN,
    )
    return archive.root


def test_only_what_was_received_is_told(folder: Path) -> None:
    """In order of arrival; the rest is left out and said to be, or imputed and said to be."""
    day = ArchiveDay(folder, DAY)
    assert [line.article_id for line in day.headlines] == ["A$2", "A$1"]
    assert day.notes == ("1 of 3 headlines left out: nobody recorded when they were received",)
    imputed = ArchiveDay(folder, DAY, imputed_latency=timedelta(seconds=2))
    assert [line.article_id for line in imputed.headlines] == ["A$2", "A$1", "A$3"]
    assert imputed.notes == ("IMPUTED: 1 of 3 headlines taken as received 2 s after publication",)


def test_a_session_hears_where_the_headlines_were_heard(folder: Path) -> None:
    """Tapes of what came without a contract, the news of the contracts of what came with one; from the first one on."""
    day = ArchiveDay(folder, DAY)
    assert day.overrides == {"news.watch_symbols": ["TESTQ"], "news.broad_tapes": ["BRFG"]}
    assert day.listed["TESTQ"].con_id == 7
    assert day.starts_at == OPEN - timedelta(minutes=51)
    assert day.until < day.ends_at


def test_a_day_without_5_s_bars_is_refused_with_those_that_have_them(folder: Path) -> None:
    """One line with the remedy, also where there is no archive at all."""
    with pytest.raises(ArchiveError, match=r"no 5 s bars on 2026-11-19; days that have them: 2026-11-20"):
        ArchiveDay(folder, date(2026, 11, 19)).market()
    with pytest.raises(ArchiveError, match=r"nor on any other day: name another archive, such as --archive data"):
        ArchiveDay(folder / "none", DAY).market()


def test_a_run_folder_knows_its_replay(tmp_path: Path) -> None:
    """No file, no replay."""
    assert replay_of(tmp_path) is None


class Stopping:
    """A market that announces what happens at `stop`; it answers with the times it is given."""

    def __init__(self, answers: list[datetime], clock: SteppedClock) -> None:
        self.answers, self.clock = answers, clock
        self.last_received_ns, self.idle, self.unheard = 0, True, False
        self.stamps: list[datetime] = []

    async def settled(self) -> None:
        """It always is."""

    async def fetch_current_time_millis(self) -> datetime:
        """The next answer; notes what the clock would have stamped."""
        self.stamps.append(self.clock.now())
        return self.answers.pop(0)


async def test_the_clock_stands_at_the_stop_while_it_happens() -> None:
    """Announced, set, told at that very time; then the step goes on to its end, where the beat falls."""
    clock, at = SteppedClock(), datetime(2026, 11, 20, 15, tzinfo=UTC)
    clock.start(at)
    stop, due = at + timedelta(seconds=1.5), at + timedelta(seconds=5)
    market, beats = Stopping([stop, stop, due], clock), asyncio.Queue()

    async def after(now: datetime) -> bool:
        beats.task_done()
        return True

    async def drive() -> None:
        await beat_in_steps(clock, market, 5.0, 1e6, [beats], [], after)

    await drive()
    assert market.stamps == [due, stop, due]
    assert beats.get_nowait().now == due


async def test_a_market_that_goes_its_own_way_is_an_error() -> None:
    """Announced one time and told another: lock-step is broken."""
    clock, at = SteppedClock(), datetime(2026, 11, 20, 15, tzinfo=UTC)
    clock.start(at)
    early, late = at + timedelta(seconds=1), at + timedelta(seconds=2)
    with pytest.raises(BrokerError, match="lock-step broken"):
        await beat_in_steps(clock, Stopping([early, late], clock), 5.0, 1e6, [], [], lambda _: asyncio.sleep(0))


def test_settings_hear_what_the_day_has(folder: Path) -> None:
    """The configuration's own tapes give way to the day's."""
    config = Path(__file__).resolve().parents[4] / "config" / "replay.yaml"
    news = Replay(archive=folder, day=DAY, config=config).settings().news
    assert (news.broad_tapes, news.watch_symbols) == (("BRFG",), ("TESTQ",))


async def test_a_replay_has_the_articles_that_the_session_read(folder: Path) -> None:
    """From the moment at which the headline was told; what was never read is refused, as it was unread then."""
    told = [
        Headline(provider="BRFG", article_id=f"BRFG${number}", text="t", published_at=OPEN, received_at=OPEN, body=body)
        for number, body in enumerate(("<p>And sells shares.</p>", ""))
    ]
    Archive(folder).add_headlines(told, ORIGIN)
    market = ArchiveDay(folder, DAY).market()
    gateway = ReplayGateway(
        market=market, broker=open_broker(market), now=lambda: market.now, step=timedelta(minutes=5)
    )
    while market.now < OPEN + timedelta(minutes=5):
        await gateway.fetch_current_time_millis()
    assert await gateway.fetch_news_article("BRFG", "BRFG$0") == Article(0, "<p>And sells shares.</p>")
    with pytest.raises(RequestFailed, match="no body of BRFG"):
        await gateway.fetch_news_article("BRFG", "BRFG$1")


async def test_a_replay_says_each_holding_as_it_changes(folder: Path) -> None:
    """Like a gateway that was asked once: a row after each execution, and the rows of an answer."""
    starts = [OPEN + timedelta(seconds=5 * n) for n in range(60)]
    bars = [Bar(at, 5, 5.0, 5.01, 4.99, 5.0, 900.0, 5.0, 9) for at in starts]
    quotes = [QuoteBar(at, 5, *(4.99,) * 4, 500.0, *(5.01,) * 4, 500.0) for at in starts]
    kinds = {BARS_5S: bars, QUOTES_5S: quotes}
    Archive(folder).extend(
        [Series(kind=kind, symbol="TESTQ", day=DAY, rows=rows, provenance=ORIGIN) for kind, rows in kinds.items()]
    )
    market = ArchiveDay(folder, DAY).market()
    gateway = ReplayGateway(
        market=market, broker=open_broker(market), now=lambda: market.now, step=timedelta(minutes=5)
    )
    rows = gateway.stream_positions()
    (listed,) = await gateway.fetch_contract_details(Contract("TESTQ"))
    buy = OrderRequest(action=OrderAction.BUY, quantity=Decimal(3), order_type="MKT", order_id=gateway.next_order_id())
    await gateway.place_order(listed.contract, buy)
    while market.now < OPEN + timedelta(minutes=10):
        await gateway.fetch_current_time_millis()
    held = Decimal(0)
    for execution in await gateway.fetch_executions():
        held += execution.shares
        assert (await anext(rows)).quantity == held
    assert held == 3
    assert await gateway.fetch_positions() == (await anext(rows),)
