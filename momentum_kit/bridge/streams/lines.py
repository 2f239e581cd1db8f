"""reqMktData lines: one a contract, shared by its quote and trade streams, and one a news source."""

import time
from datetime import datetime
from typing import Any

from momentum_kit.bridge import convert
from momentum_kit.bridge.health import LINE, LineWord, after
from momentum_kit.bridge.streams.buffers import Feed
from momentum_kit.models import Contract, Headline, LineState, MarketDataType, Quote, TradeTick

MARKET_TICKS = "236,375"  # shortable, RTTradeVolume (the live series that matches TRADES history)
NEWS_TICKS = "mdoff,292"  # headlines and no prices

_BID_SIZE, _BID, _ASK, _ASK_SIZE, _LAST, _SHORTABLE, _HALTED, _TRADE_VOLUME = 0, 1, 2, 3, 4, 46, 49, 77
_DELAYED_BID, _DELAYED_LAST_SIZE = 66, 71
_FIELDS = dict.fromkeys((_BID, 66), "bid") | dict.fromkeys((_ASK, 67), "ask") | dict.fromkeys((_LAST, 68), "last")
_FIELDS |= dict.fromkeys((_BID_SIZE, 69), "bid_size") | dict.fromkeys((_ASK_SIZE, 70), "ask_size")
_FIELDS |= dict.fromkeys((_HALTED, 90), "halted") | {_SHORTABLE: "shortable"}  # 66 to 70 and 90 are the delayed ones
_PRICES = frozenset({"bid", "ask", "last"})
_OF_THE_MARKET = frozenset({_BID_SIZE, _BID, _ASK, _ASK_SIZE, _LAST, _TRADE_VOLUME})  # live ones
_NAN = float("nan")

Received = tuple[datetime, int]
"""By the market's clock, and by perf_counter_ns."""


class MarketLine:
    """The state of one contract's line and who reads it.

    alive_ns: last tick, or the first request. doubted_ns: what was received before it proves nothing; asked_ns: when it
    was asked for last. robbed: another session had its data, and nothing live has ticked since.
    """

    ticks = MARKET_TICKS

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.req_id = 0
        self.quotes: list[Feed[Quote]] = []
        self.trades: list[Feed[TradeTick]] = []
        self.alive_ns = self.asked_ns = time.perf_counter_ns()
        self.doubted_ns = 0
        self.care_s = 0.0  # wall seconds after which it is asked for again, while it is doubted
        self.state = LineState.ASKED
        self.robbed = False
        self.ticked = False  # since it was asked for
        self.data_type = MarketDataType.LIVE  # IB says so only when it is otherwise
        self._values = dict.fromkeys(("bid", "ask", "last", "bid_size", "ask_size", "shortable", "halted"), _NAN)
        self._received: Received | None = None

    @property
    def ib_contract(self) -> Any:
        """What reqMktData is asked for."""
        return convert.to_ib_contract(self.contract)

    @property
    def halted(self) -> bool:
        """No trading in it, by the exchange's word."""
        return self._values["halted"] > 0

    @property
    def feeds(self) -> list[Feed[Any]]:
        """Everyone who reads this line."""
        return [*self.quotes, *self.trades]

    def drop(self, feed: Feed[Any]) -> None:
        """One reader fewer."""
        for feeds in (self.quotes, self.trades):
            if feed in feeds:
                feeds.remove(feed)

    def move(self, word: LineWord) -> LineState:
        """Take what happened to it; the state before."""
        before, self.state = self.state, after(LINE, self.state, word)
        if word is LineWord.TAKEN:
            self.robbed = True
        elif self.state is LineState.LIVE:
            self.robbed = False
        return before

    def doubt(self, grace_s: float = 0.0) -> LineState:
        """Only what is received from now on, or after a while, shows that it lives; the state before."""
        self.doubted_ns = time.perf_counter_ns() + int(grace_s * 1e9)
        return self.move(LineWord.DOUBTED)

    def word_of(self, field: int, value: float | str, received_ns: int) -> LineWord:
        """What a tick says of the line itself."""
        live = field in _OF_THE_MARKET and (isinstance(value, str) or value > 0)
        if live and self.data_type is MarketDataType.LIVE and received_ns >= self.doubted_ns:
            return LineWord.LIVE_TICK
        return LineWord.OTHER_TICK

    def take(self, field: int, value: float, received: Received) -> bool:
        """Note one number, which is finite or nan; True if it changes the quote."""
        name = _FIELDS.get(field)
        if name is None:
            return False
        if field >= _DELAYED_BID and field <= _DELAYED_LAST_SIZE and self.data_type < MarketDataType.DELAYED:
            self.data_type = MarketDataType.DELAYED
        # IB writes -1 (and 0 in a halt) for 'no price'
        self._values[name] = value if value > 0 or (value == 0 and name not in _PRICES) else _NAN
        self._received = received
        return True

    def take_text(self, field: int, text: str, received: Received) -> None:
        """Hand a trade to its readers; ValueError if it cannot be read."""
        if field == _TRADE_VOLUME and self.trades:
            trade = convert.trade_tick(self.contract.con_id, text, *received)
            if trade is not None:
                for feed in self.trades:
                    feed.put(trade)

    def quote(self) -> Quote | None:
        """The quote as of the last tick; None before the first."""
        if self._received is None:
            return None
        value = self._values
        return Quote(
            con_id=self.contract.con_id,
            bid=value["bid"],
            ask=value["ask"],
            bid_size=value["bid_size"],
            ask_size=value["ask_size"],
            last=value["last"],
            halted=value["halted"] > 0,
            data_type=self.data_type,
            received_at=self._received[0],
            received_ns=self._received[1],
            shortable=value["shortable"],
        )

    def publish(self) -> None:
        """Hand the current quote to its readers."""
        quote = self.quote() if self.quotes else None
        if quote is not None:
            for feed in self.quotes:
                feed.put(quote)


class NewsLine:
    """One news source: a contract's own headlines, or a provider's broad tape; opened_at: its latest request."""

    ticks = NEWS_TICKS

    def __init__(self, source: Contract | str) -> None:
        self.source = source
        self.req_id = 0
        self.opened_at: datetime | None = None
        self.feeds: list[Feed[Headline]] = []

    @property
    def contract(self) -> Contract | None:
        """The contract whose headlines these are; None for a broad tape."""
        return self.source if isinstance(self.source, Contract) else None

    @property
    def ib_contract(self) -> Any:
        """What reqMktData is asked for."""
        if isinstance(self.source, Contract):
            return convert.to_ib_contract(self.source)
        return convert.broad_tape_contract(self.source)

    def drop(self, feed: Feed[Any]) -> None:
        """One reader fewer."""
        if feed in self.feeds:
            self.feeds.remove(feed)
