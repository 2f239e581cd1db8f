# ruff: noqa: ARG002, N815  IB's signatures, whole, and IB's names
"""IBWrapper: every callback builds a frozen value and queues it. No logic, never an exception, no other thread."""

import inspect
import math
import threading
from decimal import Decimal
from typing import Any

from ibapi.wrapper import EWrapper

from momentum_kit.bridge import convert, events, inquiry_values
from momentum_kit.bridge.times import from_epoch_ms, from_epoch_s, parse_time
from momentum_kit.bridge.wire.callbacks import Callbacks, queued, row_of
from momentum_kit.bridge.wire.inbox import Values
from momentum_kit.models import (
    AccountValue,
    Article,
    Headline,
    NewsProvider,
    OrderUpdate,
    Position,
    PriceIncrement,
    SymbolMatch,
)
from momentum_kit.plain_text import plain_text

_ERROR_HAS_TIME = "errorTime" in inspect.signature(EWrapper.error).parameters  # since API 10.33


class IBWrapper(Callbacks):
    """Receives on the ibapi thread. bar_seconds: bar length by history request id.

    refusals: what error() said on the requesting thread itself, (code, text): ibapi's way to refuse a request.
    """

    def __init__(self, inbox: Values) -> None:
        super().__init__(inbox)
        self.bar_seconds: dict[int, int] = {}
        self.refusals: list[tuple[int, str]] = []
        self.requesting_thread = threading.get_ident()

    def _number(self, what: str, req_id: int, field: int, value: float) -> None:
        if not math.isfinite(value):  # the line's own number is unknown from here on, and a person is told once
            self._post(events.Caveat(f"{what}: {value} is no number (tick type {field})"))
            value = math.nan
        self._post(events.Tick(req_id, field, value))

    # -- connection ---------------------------------------------------------------------------------------------------

    @queued
    def error(self, reqId: int, *rest: Any) -> None:
        code, text = rest[1:3] if _ERROR_HAS_TIME else rest[:2]
        text = plain_text(text)
        if threading.get_ident() == self.requesting_thread:
            self.refusals.append((code, text))
        else:
            self._post(events.Notice(reqId, code, text, self.inbox.received_at))

    @queued
    def managedAccounts(self, accountsList: str) -> None:
        self._post(events.Accounts(tuple(name for name in accountsList.split(",") if name)))

    @queued
    def nextValidId(self, orderId: int) -> None:
        self._post(events.NextOrderId(orderId))

    @queued
    def currentTime(self, time: int) -> None:
        self._last(events.CURRENT_TIME, from_epoch_s(time))

    @queued
    def currentTimeInMillis(self, timeInMillis: int) -> None:
        self._last(events.CURRENT_TIME_MILLIS, from_epoch_ms(timeInMillis))

    # -- market data --------------------------------------------------------------------------------------------------

    @queued
    def tickPrice(self, reqId: int, tickType: int, price: float, attrib: Any) -> None:
        self._number("tickPrice", reqId, tickType, price)

    @queued
    def tickSize(self, reqId: int, tickType: int, size: Decimal) -> None:
        self._number("tickSize", reqId, tickType, 0.0 if convert.is_unset(size) else float(size))

    @queued
    def tickGeneric(self, reqId: int, tickType: int, value: float) -> None:
        self._number("tickGeneric", reqId, tickType, value)

    @queued
    def tickString(self, reqId: int, tickType: int, value: str) -> None:
        self._post(events.Tick(reqId, tickType, value))

    @queued
    def tickSnapshotEnd(self, reqId: int) -> None:
        self._last(reqId)

    @queued
    def marketDataType(self, reqId: int, marketDataType: int) -> None:
        self._post(events.DataType(reqId, marketDataType))

    @queued
    def historicalData(self, reqId: int, bar: Any) -> None:
        self._answer(reqId, convert.bar(bar, self.bar_seconds.get(reqId, 0)))

    @queued
    def historicalDataEnd(self, reqId: int, start: str, end: str) -> None:
        self._last(reqId)

    # -- contracts ----------------------------------------------------------------------------------------------------

    @queued
    def contractDetails(self, reqId: int, contractDetails: Any) -> None:
        self._answer(reqId, convert.contract_details(contractDetails))

    bondContractDetails = contractDetails

    @queued
    def contractDetailsEnd(self, reqId: int) -> None:
        self._last(reqId)

    @queued
    def symbolSamples(self, reqId: int, contractDescriptions: Any) -> None:
        self._last(
            reqId,
            *(
                SymbolMatch(convert.contract(one.contract), one.contract.description, tuple(one.derivativeSecTypes))
                for one in contractDescriptions
            ),
        )

    @queued
    def marketRule(self, marketRuleId: int, priceIncrements: Any) -> None:
        rule = events.market_rule_key(marketRuleId)
        bands = sorted((band.lowEdge, band.increment) for band in priceIncrements)
        if all(0 <= low_edge < math.inf and 0 < increment < math.inf for low_edge, increment in bands):
            self._last(rule, *(PriceIncrement(*band) for band in bands))
        else:
            self.inbox.unreadable("marketRule", "a band that no price can be on", str(bands), rule)

    # -- news ---------------------------------------------------------------------------------------------------------

    @queued
    def newsProviders(self, newsProviders: Any) -> None:
        self._last(events.NEWS_PROVIDERS, *(NewsProvider(one.code, one.name) for one in newsProviders))

    @queued
    def newsArticle(self, requestId: int, articleType: int, articleText: str) -> None:
        self._last(requestId, Article(articleType, articleText[: convert.MOST_ARTICLE]))

    @queued
    def historicalNews(self, requestId: int, time: str, providerCode: str, articleId: str, headline: str) -> None:
        self._answer(requestId, convert.historical_headline(time, providerCode, articleId, headline))

    @queued
    def historicalNewsEnd(self, requestId: int, hasMore: bool) -> None:
        self._last(requestId)

    @queued
    def tickNews(
        self, tickerId: int, timeStamp: int, providerCode: str, articleId: str, headline: str, extraData: str
    ) -> None:
        value = Headline(
            provider=providerCode[: convert.MOST_NAME],
            article_id=articleId[: convert.MOST_NAME],
            text=headline[: convert.MOST_HEADLINE],
            published_at=from_epoch_ms(timeStamp),
            received_at=self.inbox.received_at,
            extra=extraData[: convert.MOST_NAME],
            received_ns=self.inbox.last_received_ns,
        )
        self._post(events.NewsTick(tickerId, value))

    # -- orders -------------------------------------------------------------------------------------------------------

    @row_of(events.OPEN_ORDERS)
    def openOrder(self, orderId: int, contract: Any, order: Any, orderState: Any) -> None:
        if order.whatIf:  # an answer and no order: nothing was placed
            self._last(orderId, inquiry_values.order_preview(contract, orderState))
        else:
            self._post(convert.open_order(contract, order, orderState, self.inbox.received_at))

    @queued
    def openOrderEnd(self) -> None:
        self._last(events.OPEN_ORDERS)

    @row_of(events.OPEN_ORDERS)
    def orderStatus(
        self,
        orderId: int,
        status: str,
        filled: Decimal,
        remaining: Decimal,
        avgFillPrice: float,
        permId: int,
        parentId: int,
        lastFillPrice: float,
        clientId: int,
        whyHeld: str,
        mktCapPrice: float,
    ) -> None:
        self._post(
            OrderUpdate(
                order_id=convert.number(orderId),
                perm_id=convert.number(permId),
                client_id=convert.number(clientId),
                parent_id=convert.number(parentId),
                status=status,
                filled=convert.size(filled),
                remaining=convert.size(remaining),
                avg_fill_price=convert.price(avgFillPrice),
                last_fill_price=convert.price(lastFillPrice),
                why_held=whyHeld,
                market_cap_price=convert.price(mktCapPrice),
                received_at=self.inbox.received_at,
            )
        )

    @row_of(events.EXECUTIONS)
    def execDetails(self, reqId: int, contract: Any, execution: Any) -> None:
        received = at = self.inbox.received_at
        try:
            at = parse_time(execution.time)
        except (ValueError, ArithmeticError) as error:  # an execution without a time is still an execution
            self._post(events.Caveat(f"execution {execution.execId}: {error}; the time of receipt is taken"))
        value = convert.execution(contract, execution, at, received, from_request=reqId > 0)
        if reqId > 0:
            self._answer(reqId, value)
        else:
            self._post(value)

    @queued
    def execDetailsEnd(self, reqId: int) -> None:
        self._last(reqId)

    @queued
    def commissionAndFeesReport(self, commissionAndFeesReport: Any) -> None:
        self._post(convert.commission_report(commissionAndFeesReport))

    commissionReport = commissionAndFeesReport  # its name before API 10.33

    @row_of(events.COMPLETED_ORDERS)
    def completedOrder(self, contract: Any, order: Any, orderState: Any) -> None:
        row = convert.open_order(contract, order, orderState, self.inbox.received_at)
        self._answer(events.COMPLETED_ORDERS, row)

    @queued
    def completedOrdersEnd(self) -> None:
        self._last(events.COMPLETED_ORDERS)

    # -- account ------------------------------------------------------------------------------------------------------

    @row_of(events.POSITIONS)
    def position(self, account: str, contract: Any, position: Decimal, avgCost: float) -> None:
        self._post(
            Position(
                account=account,
                contract=convert.contract(contract),
                quantity=convert.holding(position),
                average_cost=convert.money(avgCost),
            )
        )

    @queued
    def positionEnd(self) -> None:
        self._last(events.POSITIONS)

    @queued
    def accountSummary(self, reqId: int, account: str, tag: str, value: str, currency: str) -> None:
        self._answer(reqId, AccountValue(account=account, tag=tag, value=value, currency=currency))

    @queued
    def accountSummaryEnd(self, reqId: int) -> None:
        self._last(reqId)
