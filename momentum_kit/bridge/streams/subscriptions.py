"""All lines of one connection: opened for the first reader, closed after the last, asked for again after data loss."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from momentum_kit.bridge.events import DataType, NewsTick, Unreadable, Update
from momentum_kit.bridge.health import LineWord
from momentum_kit.bridge.streams.buffers import Feed
from momentum_kit.bridge.streams.line_states import LineMoved, LineStates
from momentum_kit.bridge.streams.lines import MarketLine, NewsLine, Received
from momentum_kit.errors import BrokerError, NotConnected
from momentum_kit.models import Contract, Headline, HeadlinePhase, LineState, MarketDataType, Quote, TradeTick

Line = MarketLine | NewsLine


class Subscriptions:
    """Lines by request id. subscribe(line) and cancel(req_id) send; next_id draws request ids; now: market time.

    unreadable(row): told of a text that was taken for a trade and is none. moved(contract, before, after, why): a
    line has another state; incident(kind, text): what a person is told of them all.
    """

    def __init__(
        self,
        *,
        subscribe: Callable[[Line], None],
        cancel: Callable[[int], None],
        next_id: Callable[[], int],
        unreadable: Callable[[Unreadable], None],
        moved: LineMoved,
        incident: Callable[[str, str], None],
        now: Callable[[], datetime],
        market_data_lines: int,
    ) -> None:
        self._subscribe = subscribe
        self._cancel = cancel
        self._next_id = next_id
        self._unreadable = unreadable
        self._now = now
        self._limit = market_data_lines
        self._lines: dict[int, Line] = {}
        self._market: dict[int | Contract, MarketLine] = {}
        self._news: dict[Contract | str, NewsLine] = {}
        self._dirty: dict[int, MarketLine] = {}
        self.states = LineStates(self._market.values, moved, incident=incident)

    # -- readers ------------------------------------------------------------------------------------------------------

    def add_quotes(self, contract: Contract, feed: Feed[Quote]) -> None:
        """Feed quotes of a contract, from the one it has now on."""
        line = self._market_line(contract)
        line.quotes.append(feed)
        quote = line.quote()
        if quote is not None:
            feed.put(quote)

    def add_witness(self, contract: Contract, feed: Feed[Quote]) -> None:
        """Read a contract for the sake of its farm: as long as nobody else does, its line is nobody's stale symbol."""
        self.states.witness = feed
        self.add_quotes(contract, feed)

    def add_trades(self, contract: Contract, feed: Feed[TradeTick]) -> None:
        """Feed trades of a contract."""
        self._market_line(contract).trades.append(feed)

    def add_headlines(self, sources: tuple[Contract | str, ...], feed: Feed[Headline]) -> None:
        """Feed headlines of contracts or of a provider's broad tape."""
        for source in dict.fromkeys(sources):
            line = self._news.get(source)
            if line is None:
                line = self._news[source] = NewsLine(source)
                self._open(line)
            line.feeds.append(feed)

    def drop(self, feed: Feed[Any]) -> None:
        """A reader has gone; its lines go with it where it was the last."""
        for line in list(self._lines.values()):
            line.drop(feed)
            if not line.feeds:
                self._close(line)
                self._cancel(line.req_id)

    # -- what arrives -------------------------------------------------------------------------------------------------

    def ticks(self, ticks: Iterable[Update], received: Received) -> None:
        """Updates in their order; flush() publishes the quotes that they change."""
        lines, dirty, (_, received_ns) = self._lines, self._dirty, received
        for req_id, field, value in ticks:
            line = lines.get(req_id)
            if not isinstance(line, MarketLine):
                continue
            line.alive_ns, line.ticked = received_ns, True
            if line.state is not LineState.LIVE:
                self.states.move(line, line.word_of(field, value, received_ns), "it ticks")
            if isinstance(value, str):
                try:
                    line.take_text(field, value, received)
                except (ValueError, ArithmeticError) as error:
                    self._unreadable(Unreadable("tickString", str(error), repr(value)))
            elif line.take(field, value, received):
                dirty[req_id] = line

    def data_type(self, change: DataType) -> None:
        """IB delivers another kind of data from now on."""
        line = self._lines.get(change.req_id)
        if isinstance(line, MarketLine):
            try:
                line.data_type = MarketDataType(change.data_type)
            except ValueError as error:  # nobody knows what it is: it is not traded on
                line.data_type = MarketDataType.DELAYED
                self._unreadable(Unreadable("marketDataType", str(error), repr(change)))
            live = line.data_type is MarketDataType.LIVE
            self.states.move(
                line, LineWord.LIVE_TYPE if live else LineWord.NOT_LIVE, f"data is {line.data_type.name.lower()}"
            )
            self._dirty[line.req_id] = line

    def headline(self, tick: NewsTick) -> Headline | None:
        """A headline, completed with the contract of its line and handed to its readers.

        A new line begins with headlines of the past: what was published before it was asked for is no live news.
        """
        line = self._lines.get(tick.req_id)
        if not isinstance(line, NewsLine):
            return None
        old = line.opened_at is not None and tick.headline.published_at < line.opened_at
        phase = HeadlinePhase.SNAPSHOT if old else tick.headline.phase
        value = replace(tick.headline, contract=line.contract, phase=phase)
        for feed in line.feeds:
            feed.put(value)
        return value

    def flush(self) -> None:
        """Publish each quote that changed since the last time, once."""
        for line in self._dirty.values():
            if line.data_type is not MarketDataType.LIVE and line.state is not LineState.NOT_LIVE:
                self.states.move(line, LineWord.NOT_LIVE, f"data is {line.data_type.name.lower()}")
            line.publish()
        self._dirty.clear()

    # -- trouble ------------------------------------------------------------------------------------------------------

    def ask_silent(self) -> None:
        """A farm of data is back: what has not ticked since it broke is asked for again."""
        for line in self.states.silent():
            self.ask_again(line.req_id)

    def look_after(self) -> None:
        """Ask again for lines that are doubted, or taken, and stay silent."""
        for line in self.states.due():
            self.ask_again(line.req_id)

    def fail(self, req_id: int, error: BrokerError) -> None:
        """The broker refused a line, or the send did: readers that have no other line get the error."""
        line = self._lines.get(req_id)
        if line is not None:
            self._close(line)
            others = self.feeds
            for feed in line.feeds:
                if feed not in others:
                    feed.end(error)

    def ask_again(self, req_id: int) -> None:
        """The broker dropped one line: cancel it and ask under a new id."""
        line = self._lines.pop(req_id, None)
        if line is not None:
            self._dirty.pop(req_id, None)
            self._cancel(req_id)
            if isinstance(line, MarketLine):
                self.states.asked_again(line)
            with contextlib.suppress(NotConnected):  # then its readers are about to be told so
                self._open(line)

    def ask_again_all(self) -> None:
        """The broker lost all subscriptions (1101)."""
        for req_id in list(self._lines):
            self.ask_again(req_id)

    def end_all(self, error: BrokerError | None) -> None:
        """The connection is over: readers get what is left, then the error or the end."""
        self.flush()
        for line in self._lines.values():
            for feed in line.feeds:
                feed.end(error)
        self._lines.clear()
        self._market.clear()
        self._news.clear()

    def has(self, req_id: int) -> bool:
        """True if a line has this id."""
        return req_id in self._lines

    def what(self, req_id: int) -> str:
        """What a line is about, for a person; '' if there is none."""
        line = self._lines.get(req_id)
        if line is None:
            return ""
        return f"market data of {line.contract}" if isinstance(line, MarketLine) else f"headlines of {line.source}"

    def market_line(self, contract: Contract) -> MarketLine | None:
        """The line of a contract, if there is one."""
        return self._market.get(contract.con_id or contract)

    @property
    def feeds(self) -> list[Feed[Any]]:
        """Every reader of every line."""
        return [feed for line in self._lines.values() for feed in line.feeds]

    # -- lines --------------------------------------------------------------------------------------------------------

    def _market_line(self, contract: Contract) -> MarketLine:
        key = contract.con_id or contract
        line = self._market.get(key)
        if line is None:
            if len(self._market) >= self._limit:
                raise BrokerError(
                    f"no market-data line left for {contract}: {self._limit} are in use (broker.market_data_lines)"
                )
            line = self._market[key] = MarketLine(contract)
            self._open(line)
        return line

    def _open(self, line: Line) -> None:
        line.req_id = self._next_id()
        if isinstance(line, NewsLine):
            line.opened_at = self._now()
        self._lines[line.req_id] = line
        try:
            self._subscribe(line)
        except NotConnected:
            self._close(line)
            raise

    def _close(self, line: Line) -> None:
        self._lines.pop(line.req_id, None)
        self._dirty.pop(line.req_id, None)
        if isinstance(line, MarketLine):
            self._market.pop(line.contract.con_id or line.contract, None)
            self.states.closed()
        else:
            self._news.pop(line.source, None)
