"""Answers to requests for bars: their history, their growing last bar, 5 s bars as they come, trading schedules."""

from collections.abc import Sequence
from datetime import datetime

from momentum_kit.models import Bar
from momentum_kit.simgateway.client.bars import STEP, BarFeed, HistoryFeed, step_floor
from momentum_kit.simgateway.client.handlers.contracts import stock_of
from momentum_kit.simgateway.client.handlers.lines import not_subscribed, refuse_unknown_id, take_line
from momentum_kit.simgateway.client.handlers.session import wake_history
from momentum_kit.simgateway.client.limits import SMALL_BAR_S
from momentum_kit.simgateway.client.session import ClientSession
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.market import BAR_SIZES, HistoryError
from momentum_kit.simgateway.protocol import DAY_S, Request, WireError, duration_text, parse_time
from momentum_kit.simgateway.protocol.text import (
    HeadTimestampRequest,
    HistoricalDataRequest,
    RealTimeBarsRequest,
    head_timestamp,
    historical_data,
    historical_schedule,
)
from momentum_kit.simgateway.trading_hours import schedule

BAR_KINDS = ("TRADES", "MIDPOINT", "BID", "ASK")


def history(session: ClientSession, ask: HistoricalDataRequest) -> None:
    """ReqHistoricalData."""
    hub = session.hub
    wake_history(hub)
    item = stock_of(session, ask.request_id, ask.contract)
    if item is None:
        return
    if ask.keep_up_to_date and (refusal := _no_updates(session, ask, item)):
        session.error(ask.request_id, *refusal)
        return
    contract, asked = ask.contract, (ask.end, ask.duration, ask.bar_size, ask.use_rth)
    if BAR_SIZES.get(ask.bar_size, DAY_S) <= SMALL_BAR_S:  # for longer bars IB has lifted the hard limits
        paced = hub.limits.small_bars(item.con_id, contract.exchange, ask.what, *asked)
        if paced:
            session.error(ask.request_id, 162, paced)
            return
    try:
        end = parse_time(ask.end)
        if ask.what == "SCHEDULE":
            _schedule(session, ask, end or hub.now)
            return
        bars = hub.market.bars(item.con_id, end, ask.duration, ask.bar_size, ask.what, ask.use_rth)
    except WireError:
        session.error(ask.request_id, 10314, "End Date/Time: The date, time, or time-zone entered is invalid.")
        return
    except HistoryError as refusal:
        session.error(ask.request_id, refusal.code, refusal.text)
        return
    until = end or hub.now
    start = until - duration_text(ask.duration)
    session.send(historical_data(session.version, ask.request_id, bars, start, until, ask.format_date))
    if ask.keep_up_to_date:
        _keep_up(session, ask, item, bars)


def _no_updates(session: ClientSession, ask: HistoricalDataRequest, item: Instrument) -> tuple[int, str] | None:
    """Why this answer cannot be kept up to date."""
    if ask.end:
        return 321, "Error validating request.-'bR' : cause - End date not supported with keepUpToDate"
    if ask.what not in BAR_KINDS or not STEP.seconds <= BAR_SIZES.get(ask.bar_size, DAY_S) <= DAY_S:
        return 321, f"Error validating request.-'bR' : cause - {ask.bar_size} {ask.what} cannot be kept up to date"
    if ask.request_id in session.feeds:
        return 322, "Error processing request.-'bR' : cause - Duplicate ticker id"
    return None if session.hub.market.market_data_type == 1 else (10089, not_subscribed(item))


def _keep_up(session: ClientSession, ask: HistoricalDataRequest, item: Instrument, bars: Sequence[Bar]) -> None:
    hub, last = session.hub, bars[-1] if bars else None
    hub.market.activate(item.con_id)
    session.feeds.add_bars(
        HistoryFeed(
            version=session.version,
            request_id=ask.request_id,
            item=item,
            what=ask.what,
            use_rth=ask.use_rth,
            start=step_floor(hub.now),
            last=last.close if last else None,
            seconds=BAR_SIZES[ask.bar_size],
            format_date=ask.format_date,
            growing=last,
        )
    )


def cancel_history(session: ClientSession, request_id: int) -> None:
    """CancelHistoricalData: an answer is kept up to date no more; of what was answered at once nothing is left."""
    session.feeds.drop_bars(request_id)


def _schedule(session: ClientSession, ask: HistoricalDataRequest, end: datetime) -> None:
    """Trading hours in place of bars; they come by the day only."""
    span = duration_text(ask.duration)
    if ask.bar_size != "1 day" or not span:
        cause = "Schedule requests need a bar size of 1 day and a duration"
        raise HistoryError(321, f"Error validating request.-'bx' : cause - {cause}")
    asked = (end - span, end)
    found = schedule(*asked, use_rth=ask.use_rth)
    session.send(historical_schedule(session.version, ask.request_id, asked, found))


def head_time(session: ClientSession, ask: HeadTimestampRequest) -> None:
    """ReqHeadTimeStamp: when the simulated daily history begins."""
    wake_history(session.hub)
    item = stock_of(session, ask.request_id, ask.contract)
    if item is None:
        return
    # Head timestamps and 5 s bars draw on the allowance of small bars.
    paced = session.hub.limits.small_bars(item.con_id, ask.contract.exchange, ask.what, "head", ask.use_rth)
    if paced:
        session.error(ask.request_id, 162, paced)
        return
    try:
        bars = session.hub.market.bars(item.con_id, None, "1 Y", "1 day", ask.what, ask.use_rth)
    except HistoryError as refusal:
        session.error(ask.request_id, refusal.code, refusal.text)
        return
    session.send(head_timestamp(session.version, ask.request_id, bars[0].start, ask.format_date))


def real_time_bars(session: ClientSession, ask: RealTimeBarsRequest) -> None:
    """ReqRealTimeBars: 5 s bars until cancelled."""
    if ask.what not in BAR_KINDS:
        session.error(ask.request_id, 321, "Error validating request.-'bV' : cause - Invalid what to show")
        return
    item = take_line(session, ask.request_id, ask.contract)
    if item is None:
        return
    hub = session.hub
    paced = hub.limits.small_bars(item.con_id, ask.contract.exchange, ask.what, "live", ask.use_rth)
    if paced:
        session.error(ask.request_id, 420, "Invalid Real-time Query:Historical data request pacing violation")
        return
    if hub.market.market_data_type != 1:
        session.error(ask.request_id, 10089, not_subscribed(item))
        return
    last = hub.market.last(item.con_id)
    price = last.price if last is not None and ask.what == "TRADES" else None
    session.feeds.add_bars(
        BarFeed(
            version=session.version,
            request_id=ask.request_id,
            item=item,
            what=ask.what,
            use_rth=ask.use_rth,
            start=step_floor(hub.now),
            last=price,
        )
    )


def cancel_real_time_bars(session: ClientSession, request_id: int) -> None:
    """CancelRealTimeBars; of an unknown id it is refused with 300."""
    if not session.feeds.drop_bars(request_id):
        refuse_unknown_id(session, request_id)


HANDLERS = {
    Request.HISTORICAL_DATA: history,
    Request.CANCEL_HISTORICAL_DATA: cancel_history,
    Request.HEAD_TIMESTAMP: head_time,
    Request.REAL_TIME_BARS: real_time_bars,
    Request.CANCEL_REAL_TIME_BARS: cancel_real_time_bars,
}
