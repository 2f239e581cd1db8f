"""The base of IBWrapper: how a callback hands its value over, and the callbacks of what only notebooks ask for."""
# ruff: noqa: ARG002  IB's signatures, whole, and IB's names

import functools
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from ibapi.wrapper import EWrapper

from momentum_kit.bridge import convert, events, inquiry_values
from momentum_kit.bridge.wire.inbox import Values
from momentum_kit.models import AccountProfit, AccountValue, Bulletin, PositionProfit

_Callback = TypeVar("_Callback", bound=Callable[..., None])


def row_of(answer: str | None) -> Callable[[_Callback], _Callback]:
    """A callback that raises ends EClient.run() and with it the connection: its failure becomes a value instead.

    answer: the list that it brings rows of; None where its first argument is the request id, if it has one.
    """

    def guard(callback: _Callback) -> _Callback:
        @functools.wraps(callback)
        def guarded(self: "Callbacks", *args: Any) -> None:
            try:
                callback(self, *args)
            except Exception as error:  # noqa: BLE001  whatever it is, our stops hang on the connection
                request = args[0] if args and isinstance(args[0], int) and args[0] >= events.FIRST_REQUEST_ID else None
                # a list's first argument may be large as well: the executions' is a request id, or -1
                of = request if answer in (None, events.EXECUTIONS) and request else answer
                self.inbox.unreadable(callback.__name__, repr(error), str([str(value) for value in args]), of)

        return guarded  # type: ignore[return-value]

    return guard


queued = row_of(None)


class Callbacks(EWrapper):  # type: ignore[misc]
    """Posts values; nothing else happens on the ibapi thread."""

    def __init__(self, inbox: Values) -> None:
        super().__init__()
        self.inbox = inbox
        self._post = inbox.post

    def _answer(self, key: int | str, *values: Any) -> None:
        self._post(events.Answer(key, values, False))

    def _last(self, key: int | str, *values: Any) -> None:
        self._post(events.Answer(key, values, True))

    def _row(self, req_id: int, value: Any) -> None:
        self._post(events.StreamRow(req_id, value))

    # -- bars and ticks -----------------------------------------------------------------------------------------------

    @queued
    def realtimeBar(
        self, reqId: int, time: int, open_: float, high: float, low: float, close: float, volume: Decimal, wap: Decimal,
        count: int,
    ) -> None:  # fmt: skip
        self._row(reqId, inquiry_values.real_time_bar(time, (open_, high, low, close), volume, wap, count))

    @queued
    def tickByTickAllLast(
        self, reqId: int, tickType: int, time: int, price: float, size: Decimal, tickAttribLast: Any, exchange: str,
        specialConditions: str,
    ) -> None:  # fmt: skip
        at, marks = self.inbox.received_at, tickAttribLast
        self._row(reqId, inquiry_values.print_tick(time, price, size, marks, (exchange, specialConditions), at))

    @queued
    def tickByTickBidAsk(
        self, reqId: int, time: int, bidPrice: float, askPrice: float, bidSize: Decimal, askSize: Decimal,
        tickAttribBidAsk: Any,
    ) -> None:  # fmt: skip
        touch = inquiry_values.touch_tick(time, (bidPrice, askPrice), (bidSize, askSize), self.inbox.received_at)
        self._row(reqId, touch)

    @queued
    def tickByTickMidPoint(self, reqId: int, time: int, midPoint: float) -> None:
        self._row(reqId, inquiry_values.midpoint_tick(time, midPoint, self.inbox.received_at))

    @queued
    def historicalTicks(self, reqId: int, ticks: Any, done: bool) -> None:
        self._part(reqId, [inquiry_values.midpoint_tick(each.time, each.price, None) for each in ticks], done)

    @queued
    def historicalTicksBidAsk(self, reqId: int, ticks: Any, done: bool) -> None:
        found = [
            inquiry_values.touch_tick(one.time, (one.priceBid, one.priceAsk), (one.sizeBid, one.sizeAsk), None)
            for one in ticks
        ]
        self._part(reqId, found, done)

    @queued
    def historicalTicksLast(self, reqId: int, ticks: Any, done: bool) -> None:
        found = [
            inquiry_values.print_tick(
                one.time, one.price, one.size, one.tickAttribLast, (one.exchange, one.specialConditions), None
            )
            for one in ticks
        ]
        self._part(reqId, found, done)

    @queued
    def headTimestamp(self, reqId: int, headTimestamp: str) -> None:
        self._last(reqId, inquiry_values.whole_time(headTimestamp))

    @queued
    def historicalSchedule(
        self, reqId: int, startDateTime: str, endDateTime: str, timeZone: str, sessions: Any
    ) -> None:
        self._last(reqId, *(inquiry_values.session_hours(one, timeZone) for one in sessions))

    def _part(self, req_id: int, found: list[Any], done: bool) -> None:
        (self._last if done else self._answer)(req_id, *found)

    # -- scans and bulletins ------------------------------------------------------------------------------------------

    @queued
    def scannerParameters(self, xml: str) -> None:
        self._last(events.SCANNER_PARAMETERS, xml)

    @queued
    def scannerData(
        self, reqId: int, rank: int, contractDetails: Any, distance: str, benchmark: str, projection: str, legsStr: str
    ) -> None:
        self._answer(reqId, inquiry_values.scan_row(rank, contractDetails, (distance, benchmark, projection)))

    @queued
    def scannerDataEnd(self, reqId: int) -> None:
        self._last(reqId)

    @queued
    def updateNewsBulletin(self, msgId: int, msgType: int, newsMessage: str, originExch: str) -> None:
        self._post(Bulletin(msgId, msgType, newsMessage, originExch, self.inbox.received_at))

    @queued
    def configResponseProtoBuf(self, configResponseProto: Any) -> None:
        self._last(configResponseProto.reqId, inquiry_values.gateway_settings(configResponseProto))

    # -- the account --------------------------------------------------------------------------------------------------

    @queued
    def pnl(self, reqId: int, dailyPnL: float, unrealizedPnL: float, realizedPnL: float) -> None:
        daily, unrealized, realized = map(convert.money, (dailyPnL, unrealizedPnL, realizedPnL))
        value = AccountProfit(
            account="", daily=daily, unrealized=unrealized, realized=realized, received_at=self.inbox.received_at
        )
        self._row(reqId, value)

    @queued
    def pnlSingle(
        self, reqId: int, pos: Decimal, dailyPnL: float, unrealizedPnL: float, realizedPnL: float, value: float
    ) -> None:
        daily, unrealized, realized, worth = map(convert.money, (dailyPnL, unrealizedPnL, realizedPnL, value))
        profit = PositionProfit(
            account="", con_id=0, quantity=convert.holding(pos), daily=daily, unrealized=unrealized,
            realized=realized, value=worth, received_at=self.inbox.received_at,
        )  # fmt: skip
        self._row(reqId, profit)

    @row_of(events.ACCOUNT_DOWNLOAD)
    def updateAccountValue(self, key: str, val: str, currency: str, accountName: str) -> None:
        value = AccountValue(account=accountName, tag=key, value=val, currency=currency)
        self._answer(events.ACCOUNT_DOWNLOAD, value)

    @row_of(events.ACCOUNT_DOWNLOAD)
    def updatePortfolio(
        self, contract: Any, position: Decimal, marketPrice: float, marketValue: float, averageCost: float,
        unrealizedPNL: float, realizedPNL: float, accountName: str,
    ) -> None:  # fmt: skip
        money = (marketPrice, marketValue, averageCost, unrealizedPNL, realizedPNL)
        held = inquiry_values.valued_position(accountName, contract, position, money)
        self._answer(events.ACCOUNT_DOWNLOAD, held)

    @row_of(events.ACCOUNT_DOWNLOAD)
    def accountDownloadEnd(self, accountName: str) -> None:
        self._last(events.ACCOUNT_DOWNLOAD)

    @queued
    def accountUpdateMulti(self, reqId: int, account: str, modelCode: str, key: str, value: str, currency: str) -> None:
        self._answer(reqId, AccountValue(account=account, tag=key, value=value, currency=currency))

    @queued
    def accountUpdateMultiEnd(self, reqId: int) -> None:
        self._last(reqId)

    @queued
    def positionMulti(
        self, reqId: int, account: str, modelCode: str, contract: Any, pos: Decimal, avgCost: float
    ) -> None:
        self._answer(reqId, inquiry_values.model_position(account, modelCode, contract, pos, avgCost))

    @queued
    def positionMultiEnd(self, reqId: int) -> None:
        self._last(reqId)
