"""What a client hears of its subscriptions to quotes, prints, bars and headlines."""

from datetime import UTC, datetime, timedelta

from momentum_kit.simgateway.client.bars import BarFeed
from momentum_kit.simgateway.client.feeds import ClientFeeds, HeadlineFeed, MarketDataLine
from momentum_kit.simgateway.embedding import Instrument
from momentum_kit.simgateway.events import HaltEvent, NewsEvent, QuoteEvent, TradeEvent

ITEM = Instrument(265598, "AAPL", "APPLE INC")
T0 = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def at(milliseconds: int) -> datetime:
    """So long after the open."""
    return T0 + timedelta(milliseconds=milliseconds)


def quote(milliseconds: int, bid: float, bid_size: int = 100) -> QuoteEvent:
    """A quote two cents wide."""
    return QuoteEvent(at(milliseconds), 265598, bid, round(bid + 0.02, 2), bid_size, 100)


def a_headline(provider: str, article_id: str, text: str, con_ids: tuple[int, ...]) -> NewsEvent:
    """A headline relayed at the open, when it was published."""
    return NewsEvent(
        time=T0, published=T0, provider=provider, article_id=article_id, text=text, extra="", con_ids=con_ids
    )


class Sink:
    """Keeps the fields of every message of a ClientFeeds."""

    def __init__(self) -> None:
        self.frames: list[list[str]] = []
        self.feeds = ClientFeeds(self._take)

    def _take(self, data: bytes) -> None:
        while data:
            end = 4 + int.from_bytes(data[:4], "big")
            self.frames.append(data[4:end].decode().split("\0")[:-1])
            data = data[end:]

    def prices(self, tick: int) -> list[float]:
        """Prices of one tick type."""
        return [float(fields[4]) for fields in self.frames if fields[0] == "1" and fields[3] == str(tick)]


def test_a_burst_of_quotes_is_conflated_to_the_last() -> None:
    """The first quote goes out at once; of what follows within 250 ms only the last, when they are over."""
    sink = Sink()
    sink.feeds.add_line(MarketDataLine(version=200, request_id=1, item=ITEM))
    for milliseconds, bid in ((0, 10.0), (50, 10.1), (100, 10.2), (249, 10.3)):
        sink.feeds.on_market(quote(milliseconds, bid))
    assert sink.prices(1) == [10.0]
    sink.feeds.on_time(at(249))
    assert sink.prices(1) == [10.0]
    sink.feeds.on_time(at(250))
    assert sink.prices(1) == [10.0, 10.3]
    sink.feeds.on_market(quote(400, 10.4))
    sink.feeds.on_market(quote(900, 10.5))  # what was due at 500 goes first
    assert sink.prices(1) == [10.0, 10.3, 10.4, 10.5]


def test_only_what_changed_is_sent() -> None:
    """A new size at the same price is a size tick, an unchanged side is silent."""
    sink = Sink()
    sink.feeds.add_line(MarketDataLine(version=200, request_id=1, item=ITEM))
    sink.feeds.on_market(quote(0, 10.0, 100))
    sink.frames.clear()
    sink.feeds.on_market(quote(300, 10.0, 700))
    assert sink.frames == [["2", "6", "1", "0", "700"]]


def test_every_print_is_told_and_a_cancelled_line_is_silent() -> None:
    """RTTradeVolume is not sampled; after the cancel nothing comes, not even what was due."""
    sink = Sink()
    sink.feeds.add_line(MarketDataLine(version=200, request_id=1, item=ITEM, print_ticks=(77,)))
    for number in range(5):
        sink.feeds.on_market(TradeEvent(at(10 * number), 265598, 10.0 + number, 5, 5 * (number + 1), 10.5))
    prints = [fields[4] for fields in sink.frames if fields[0] == "46" and fields[3] == "77"]
    assert [text.split(";")[0] for text in prints] == ["10.0", "11.0", "12.0", "13.0", "14.0"]
    assert prints[0] == f"10.0;5;{int(T0.timestamp() * 1000)};5;10.50000000;true"
    assert sink.feeds.drop_market_data(1)
    assert not sink.feeds.drop_market_data(1)
    sink.frames.clear()
    sink.feeds.on_time(at(10_000))
    sink.feeds.on_market(quote(10_000, 9.0))
    assert sink.frames == []


def test_halts_are_told_at_once() -> None:
    """Tick 49 carries the state."""
    sink = Sink()
    sink.feeds.add_line(MarketDataLine(version=200, request_id=1, item=ITEM))
    sink.feeds.on_market(HaltEvent(at(10), 265598, 2))
    assert sink.frames == [["45", "6", "1", "49", "2.0"]]


def test_delayed_lines_use_the_delayed_tick_types() -> None:
    """Bid 66, ask 67, last 68, volume 74."""
    line = MarketDataLine(version=200, request_id=1, item=ITEM, delayed=True)
    line.quote, line.trade = quote(0, 10.0), TradeEvent(T0, 265598, 10.0, 5, 500, 10.0)
    sink = Sink()
    sink._take(line.sample(T0))
    assert [fields[3] for fields in sink.frames] == ["66", "67", "68", "74", "88"]


def test_bars_close_on_the_five_second_grid() -> None:
    """A bar holds the prints of its interval; an empty one repeats the last price with volume 0."""
    feed = BarFeed(version=200, request_id=2, item=ITEM, what="TRADES", use_rth=True, start=T0)
    for milliseconds, price, size in ((0, 10.0, 100), (2_000, 12.0, 300), (4_999, 11.0, 100)):
        feed.add(TradeEvent(at(milliseconds), 265598, price, size, 0, 0.0))
    closed = [message[4:].decode().split("\0")[3:-1] for message in feed.close_until(at(10_000))]
    start = int(T0.timestamp())
    assert closed == [
        [str(start), "10.0", "12.0", "10.0", "11.0", "500", "11.4", "3"],
        [str(start + 5), "11.0", "11.0", "11.0", "11.0", "0", "11", "0"],
    ]
    assert list(feed.close_until(at(14_999))) == []


def test_no_bars_outside_the_hours_asked_for() -> None:
    """With useRTH nothing comes before the open; without it the pre-market counts."""
    early = T0 - timedelta(hours=1)
    for use_rth, count in ((True, 0), (False, 2)):
        feed = BarFeed(version=200, request_id=2, item=ITEM, what="TRADES", use_rth=use_rth, start=early, last=10.0)
        assert len(list(feed.close_until(early + timedelta(seconds=10)))) == count


def test_headlines_reach_those_who_asked() -> None:
    """Broad tape by provider, contract by con id and, if named, by provider."""
    sink = Sink()
    for feed in (
        HeadlineFeed(version=200, request_id=1, con_id=None, providers=frozenset({"BRFG"})),
        HeadlineFeed(version=200, request_id=2, con_id=265598, providers=frozenset()),
        HeadlineFeed(version=200, request_id=3, con_id=265598, providers=frozenset({"DJNL"})),
        HeadlineFeed(version=200, request_id=4, con_id=1, providers=frozenset()),
    ):
        sink.feeds.news[feed.request_id] = feed
    sink.feeds.on_market(a_headline("BRFG", "BRFG$1", "words", (265598,)))
    assert [fields[1] for fields in sink.frames] == ["1", "2"]
