"""Answers to requests for single ticks, as they come and of the past, and for scans."""

from momentum_kit.simgateway.client.feeds import TICK_KINDS, TickFeed
from momentum_kit.simgateway.client.handlers.contracts import NO_DEFINITION, resolve, stock_of
from momentum_kit.simgateway.client.handlers.lines import DUPLICATE_ID, not_subscribed, refuse_unknown_id
from momentum_kit.simgateway.client.handlers.session import wake_history
from momentum_kit.simgateway.client.session import ClientSession
from momentum_kit.simgateway.market import HistoryError
from momentum_kit.simgateway.protocol import Request, WireError, parse_time
from momentum_kit.simgateway.protocol.text import (
    HistoricalTicksRequest,
    ScannerRequest,
    TickByTickRequest,
    historical_midpoints,
    historical_quotes,
    historical_trades,
    scanner_data,
    scanner_parameters,
)

MOST_ROWS = 50  # a scan never gives more


def tick_by_tick(session: ClientSession, ask: TickByTickRequest) -> None:
    """ReqTickByTickData: every print or touch until cancelled."""
    hub, found = session.hub, resolve(session.hub.market, ask.contract)
    if ask.kind not in TICK_KINDS:
        session.error(ask.request_id, 321, "Error validating request.-'bY' : cause - Invalid tick type")
    elif ask.request_id in session.feeds:
        session.error(ask.request_id, 322, DUPLICATE_ID)
    elif not found:
        session.error(ask.request_id, 200, NO_DEFINITION)
    elif hub.market.market_data_type != 1:
        session.error(ask.request_id, 10189, f"Failed to request tick-by-tick data.{not_subscribed(found[0])}")
    elif hub.ticks_used >= hub.limits.tick_by_tick or hub.limits.tick_by_tick_too_soon(found[0].con_id):
        session.error(ask.request_id, 10190, "Max number of tick-by-tick requests has been reached")
    else:
        hub.market.activate(found[0].con_id)
        session.feeds.add_ticks(
            TickFeed(
                version=session.version,
                request_id=ask.request_id,
                item=found[0],
                kind=ask.kind,
                ignore_size=ask.ignore_size,
            )
        )


def cancel_tick_by_tick(session: ClientSession, request_id: int) -> None:
    """CancelTickByTickData; of an unknown id it is refused with 300."""
    if not session.feeds.drop_ticks(request_id):
        refuse_unknown_id(session, request_id)


def historical_ticks(session: ClientSession, ask: HistoricalTicksRequest) -> None:
    """ReqHistoricalTicks: so many from a start, or up to an end."""
    wake_history(session.hub)
    market, item = session.hub.market, stock_of(session, ask.request_id, ask.contract)
    if item is None:
        return
    try:
        start, end = parse_time(ask.start), parse_time(ask.end)
        quotes, trades = market.ticks(item.con_id, ask.what, start, end, ask.count, use_rth=ask.use_rth)
    except WireError:
        session.error(ask.request_id, 10314, "End Date/Time: The date, time, or time-zone entered is invalid.")
        return
    except HistoryError as refusal:
        session.error(ask.request_id, refusal.code, refusal.text)
        return
    if ask.what == "TRADES":
        session.send(historical_trades(session.version, ask.request_id, trades, item.primary_exchange))
    elif ask.what == "BID_ASK":
        session.send(historical_quotes(session.version, ask.request_id, quotes))
    else:
        session.send(historical_midpoints(session.version, ask.request_id, quotes))


def parameters(session: ClientSession, _: None) -> None:
    """ReqScannerParameters."""
    session.send(scanner_parameters(session.version, session.hub.market.SCANS))


def scan(session: ClientSession, ask: ScannerRequest) -> None:
    """ReqScannerSubscription: the ranking as of now; it is not sent again."""
    market = session.hub.market
    if ask.code not in market.SCANS or ask.instrument != "STK" or not ask.location.startswith("STK.US"):
        text = f"Scanner type with code {ask.code} is not available for {ask.instrument} in {ask.location}"
        session.error(ask.request_id, 162, f"Historical Market Data Service error message:{text}")
        return
    # Clients leave the number of rows at -1 for "as many as there are".
    rows = ask.rows if 0 < ask.rows < MOST_ROWS else MOST_ROWS
    items = market.scan(ask.code, ask.above_price, ask.below_price, ask.above_volume)
    session.send(scanner_data(session.version, ask.request_id, items[:rows]))


HANDLERS = {
    Request.TICK_BY_TICK: tick_by_tick,
    Request.CANCEL_TICK_BY_TICK: cancel_tick_by_tick,
    Request.HISTORICAL_TICKS: historical_ticks,
    Request.SCANNER_PARAMETERS: parameters,
    Request.SCANNER: scan,
}
