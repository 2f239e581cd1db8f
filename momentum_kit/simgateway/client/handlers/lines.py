"""Answers to reqMktData: quotes, prints and headlines of a contract, and the broad tape of a news provider."""

from momentum_kit.simgateway.broker import HARD_TO_BORROW
from momentum_kit.simgateway.client.feeds import DELAY, RT_VOLUME, HeadlineFeed, MarketDataLine
from momentum_kit.simgateway.client.handlers.contracts import NO_DEFINITION, stock_of
from momentum_kit.simgateway.client.handlers.news import broad_tape, unentitled
from momentum_kit.simgateway.client.session import ClientSession
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol import Request
from momentum_kit.simgateway.protocol.text import (
    ContractQuery,
    MarketDataRequest,
    TickType,
    tick_generic,
    tick_price,
    tick_req_params,
    tick_size,
    tick_snapshot_end,
)
from momentum_kit.simgateway.protocol.text import market_data_type as data_type_message

REPLAYED_HEADLINES = 5  # a new news subscription begins with the latest ones again
# As IB lists them for stocks; what is not simulated among them is accepted and silent.
_STOCK_TICKS = (
    "100 101 104 105 106 165 221 225 232 233 236 256 258 292 293 294 295 318 375 411 456 460 576 577 578 586 587 588 "
    "595 614 619 623"
)
GENERIC_TICKS = frozenset(_STOCK_TICKS.split()) | {"mdoff"}
DUPLICATE_ID = "Error processing request.-'bS' : cause - Duplicate ticker id"
BORROWABLE_SHARES = 1_000_000  # where there are any


def market_data(session: ClientSession, ask: MarketDataRequest) -> None:
    """ReqMktData, for a stock or for a provider's broad tape (secType NEWS, symbol X:X_ALL)."""
    wanted: dict[str, tuple[str, ...]] = {}
    for part in filter(None, ask.generic_ticks.replace(" ", "").split(",")):
        number, _, codes = part.partition(":")
        wanted[number] = tuple(code for code in codes.split("+") if code)
    unknown = sorted(set(wanted) - GENERIC_TICKS)
    if unknown:
        legal = _STOCK_TICKS.replace(" ", ",")
        cause = f"Incorrect generic tick list of {unknown[0]}.  Legal ones for (STK) are: {legal}"
        session.error(ask.request_id, 321, f"Error validating request.-'bQ' : cause - {cause}")
    elif ask.contract.sec_type == "NEWS":
        _broad_tape(session, ask)
    else:
        _stock(session, ask, wanted)


def cancel_market_data(session: ClientSession, request_id: int) -> None:
    """CancelMktData; of an unknown id it is refused with 300."""
    if not session.feeds.drop_market_data(request_id):
        refuse_unknown_id(session, request_id)


def market_data_type(session: ClientSession, data_type: int) -> None:
    """ReqMarketDataType: what later subscriptions may fall back to (3 and 4 accept delayed data)."""
    if data_type not in (1, 2, 3, 4):
        session.error(-1, 321, "Error validating request.-'bO' : cause - Invalid market data type")
        return
    session.data_type = data_type


def take_line(
    session: ClientSession, request_id: int, contract: ContractQuery, *, prices: bool = True
) -> Instrument | None:
    """The stock a new subscription is for; None after a refusal (duplicate id, unknown, no line left) was sent.

    A subscription without prices (headlines alone) uses no line.
    """
    if request_id in session.feeds:
        session.error(request_id, 322, DUPLICATE_ID)
        return None
    item = stock_of(session, request_id, contract)
    if item is None or not prices:
        return item
    if session.hub.lines_used >= session.hub.limits.lines:
        session.error(request_id, 101, "Max number of tickers has been reached")
        return None
    session.hub.market.activate(item.con_id)
    return item


def refuse_unknown_id(session: ClientSession, request_id: int) -> None:
    """What is to be cancelled was never asked for, or has ended."""
    session.error(request_id, 300, f"Can't find EId with tickerId:{request_id}")


def not_subscribed(item: Instrument) -> str:
    """IB's words of 10089 for this stock."""
    return (
        "Requested market data requires additional subscription for API. "
        "See link in 'Market Data Connections' dialog for more details."
        f"Delayed market data is available.{item.symbol} {item.primary_exchange}.{item.trading_class}/TOP/ALL"
    )


def _stock(session: ClientSession, ask: MarketDataRequest, wanted: dict[str, tuple[str, ...]]) -> None:
    refusal = unentitled(session, wanted.get("292", ()))
    if refusal:
        session.error(ask.request_id, 321, refusal)
        return
    item = take_line(session, ask.request_id, ask.contract, prices="mdoff" not in wanted)
    if item is None:
        return
    if "292" in wanted and not ask.snapshot:
        _follow_headlines(session, ask.request_id, item.con_id, frozenset(wanted["292"]))
    if "mdoff" not in wanted:
        _quotes(session, ask, item, wanted)


def _quotes(
    session: ClientSession, ask: MarketDataRequest, item: Instrument, wanted: dict[str, tuple[str, ...]]
) -> None:
    hub, request_id = session.hub, ask.request_id
    delayed = hub.market.market_data_type in (3, 4)
    if delayed and session.data_type not in (3, 4):
        session.error(request_id, 10089, not_subscribed(item))
        return
    if delayed:  # a warning: the subscription goes on
        session.error(request_id, 10167, "Requested market data is not subscribed. Displaying delayed market data.")
    session.send(data_type_message(session.version, request_id, hub.market.market_data_type))
    session.send(tick_req_params(session.version, request_id, item.min_tick))
    prints = tuple(tick for name, tick in (("233", RT_VOLUME), ("375", TickType.RT_TRADE_VOLUME)) if name in wanted)
    seen_at = hub.now - DELAY if delayed else hub.now
    line = MarketDataLine(
        version=session.version,
        request_id=request_id,
        item=item,
        delayed=delayed,
        print_ticks=() if delayed else prints,
        quote=hub.market.quote(item.con_id, seen_at),
        trade=hub.market.last(item.con_id, seen_at),
    )
    if not hub.competing:
        session.send(line.sample(hub.now))
    _once(session, line, shortable="236" in wanted)
    if ask.snapshot:
        session.send(tick_snapshot_end(session.version, request_id))
        return
    frozen = hub.market.market_data_type in (2, 4)
    session.feeds.add_line(line, frozen=frozen)
    if hub.competing:
        session.error(request_id, 10197, "No market data during competing live session")
    if delayed and not frozen:
        session.feeds.send_what_is_delayed(line, hub.market.prices_since(item.con_id, seen_at))


def _once(session: ClientSession, line: MarketDataLine, *, shortable: bool) -> None:
    hub, request_id = session.hub, line.request_id
    close = hub.market.previous_close(line.item.con_id)
    if close == close:  # not NaN: yesterday is known
        session.send(
            tick_price(session.version, request_id, TickType.CLOSE.delayed if line.delayed else TickType.CLOSE, close)
        )
    session.send(tick_generic(session.version, request_id, TickType.HALTED, float(hub.market.halted(line.item.con_id))))
    if shortable:
        lendable = hub.market.shortable(line.item.con_id)
        shares = BORROWABLE_SHARES if lendable > HARD_TO_BORROW else 0
        session.send(tick_generic(session.version, request_id, TickType.SHORTABLE, lendable))
        session.send(tick_size(session.version, request_id, TickType.SHORTABLE_SHARES, shares))


def _broad_tape(session: ClientSession, ask: MarketDataRequest) -> None:
    provider = ask.contract.symbol.partition(":")[0]
    refusal = unentitled(session, (provider,))
    if ask.request_id in session.feeds:
        session.error(ask.request_id, 322, DUPLICATE_ID)
    elif refusal:
        session.error(ask.request_id, 321, refusal)
    elif broad_tape(session, ask.contract) is None:
        session.error(ask.request_id, 200, NO_DEFINITION)
    else:
        _follow_headlines(session, ask.request_id, None, frozenset({provider}))


def _follow_headlines(session: ClientSession, request_id: int, con_id: int | None, providers: frozenset[str]) -> None:
    feed = HeadlineFeed(version=session.version, request_id=request_id, con_id=con_id, providers=providers)
    session.feeds.news[feed.request_id] = feed
    latest = [event for event in session.hub.headlines if feed.wants(event)][-REPLAYED_HEADLINES:]
    session.feeds.send_headlines([feed], latest)


HANDLERS = {
    Request.MARKET_DATA: market_data,
    Request.CANCEL_MARKET_DATA: cancel_market_data,
    Request.MARKET_DATA_TYPE: market_data_type,
}
