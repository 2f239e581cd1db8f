"""What the official client gets out of a gateway, capability by capability; needs nothing but ibapi.

Runs in any environment with ibapi 10.37 or newer: `python official_client.py PORT`. The gateway must be in lock-step on
the scenario `single`. Prints one JSON object: the server version, and for each capability "pass" or the reason.
"""

import inspect
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.scanner import ScannerSubscription
from ibapi.wrapper import EWrapper

TIMEOUT_S = 10.0
Check = Callable[["Client"], None]
CHECKS: dict[str, Check] = {}


def capability(name: str) -> Callable[[Check], Check]:
    """Add a check to the table, in the order of this file."""

    def add(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return add


def _recording(name: str, method: Callable[..., None]) -> Callable[..., None]:
    parameters = list(inspect.signature(method).parameters)[1:]

    def callback(self: "Client", *values: Any) -> None:
        with self.news:
            self.calls.append((name, SimpleNamespace(**dict(zip(parameters, values, strict=False)))))
            self.news.notify_all()

    return callback


_CALLBACKS = {
    name: _recording(name, method)
    for name, method in inspect.getmembers(EWrapper, inspect.isfunction)
    if not name.startswith("_")
    and not name.endswith("ProtoBuf")
    and name not in ("connectAck", "winError", "logAnswer")
}
Recorder = type("Recorder", (EWrapper,), _CALLBACKS)


class Client(Recorder, EClient):
    """An EClient that keeps every callback."""

    def __init__(self, port: int, client_id: int) -> None:
        EClient.__init__(self, wrapper=self)
        self.calls: list[tuple[str, SimpleNamespace]] = []
        self.news = threading.Condition()
        self.connect("127.0.0.1", port, client_id)
        threading.Thread(target=self.run, daemon=True).start()
        self.until(lambda: self.named("nextValidId") or self.named("connectionClosed"), "nextValidId")

    def named(self, name: str, **wanted: Any) -> list[SimpleNamespace]:
        """Arguments of the calls of one callback that carry these values."""
        return [
            args
            for called, args in list(self.calls)
            if called == name and all(getattr(args, key) == value for key, value in wanted.items())
        ]

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for something that needs no step of the market."""
        ends = time.monotonic() + TIMEOUT_S
        with self.news:
            while not (found := condition()):
                if not self.news.wait(ends - time.monotonic()):
                    raise AssertionError(f"no {what}")
        return found

    def stepping_until(self, condition: Callable[[], Any], what: str, most: int = 900) -> Any:
        """Move the market until it happens."""
        for _ in range(most):
            if found := condition():
                return found
            before = len(self.named("currentTimeInMillis"))
            self.reqCurrentTimeInMillis()
            self.until(lambda: len(self.named("currentTimeInMillis")) > before, "currentTimeInMillis")  # noqa: B023
        raise AssertionError(f"no {what} in {most} steps")

    def codes(self, request_id: int) -> list[int]:
        """Codes of the errors of one request."""
        return [args.errorCode for args in self.named("error", reqId=request_id)]

    def refused(self, request_id: int, code: int) -> None:
        """Wait for one error of a request."""
        self.until(lambda: code in self.codes(request_id), f"error {code} (got {self.codes(request_id)})")

    def status(self, order_id: int, status: str) -> None:
        """Move the market until an order says so."""
        self.stepping_until(lambda: self.named("orderStatus", orderId=order_id, status=status), f"status {status}", 60)


def stock(symbol: str = "AAPL") -> Contract:
    """A US stock."""
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = symbol, "STK", "SMART", "USD"
    return contract


def order(action: str, kind: str, quantity: int = 10, **fields: Any) -> Order:
    """An order with an explicit tif; eTradeOnly and firmQuoteOnly went with older clients."""
    made = Order()
    made.action, made.orderType, made.totalQuantity, made.tif = action, kind, Decimal(quantity), "DAY"
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@capability("farms and accounts")
def _(client: Client) -> None:
    client.until(lambda: {2104, 2106, 2158} <= set(client.codes(-1)), "farm messages")
    client.reqManagedAccts()
    client.until(lambda: len(client.named("managedAccounts")) == 2, "second managedAccounts")


@capability("ids and clocks")
def _(client: Client) -> None:
    client.reqIds(1)
    client.reqCurrentTime()
    client.until(lambda: len(client.named("nextValidId")) == 2 and client.named("currentTime"), "ids or time")


@capability("contract details")
def _(client: Client) -> None:
    client.reqContractDetails(1, stock())
    client.until(lambda: client.named("contractDetailsEnd", reqId=1), "contractDetailsEnd")
    details = client.named("contractDetails")[0].contractDetails
    assert (details.contract.conId, details.longName, details.minTick) == (265598, "APPLE INC", 0.01), str(details)


@capability("unknown contract (200)")
def _(client: Client) -> None:
    client.reqContractDetails(2, stock("NOSUCH"))
    client.refused(2, 200)


@capability("symbol search and rules")
def _(client: Client) -> None:
    client.reqMatchingSymbols(3, "AAP")
    client.reqMarketRule(26)
    client.until(lambda: client.named("symbolSamples") and client.named("marketRule"), "symbols or rule")
    assert client.named("marketRule")[0].priceIncrements[1].increment == 0.01


@capability("history: bars and days")
def _(client: Client) -> None:
    client.reqHistoricalData(4, stock(), "", "2 D", "5 mins", "TRADES", 1, 1, False, [])
    client.reqHistoricalData(5, stock(), "", "5 D", "1 day", "MIDPOINT", 1, 1, False, [])
    client.until(lambda: len(client.named("historicalDataEnd")) == 2, "both ends")
    assert len(client.named("historicalData", reqId=4)) >= 78
    assert len(client.named("historicalData", reqId=5)[0].bar.date) == 8


@capability("history refused")
def _(client: Client) -> None:
    client.reqHistoricalData(6, stock(), "", "1 D", "7 mins", "TRADES", 1, 1, False, [])
    client.refused(6, 321)


@capability("head timestamp")
def _(client: Client) -> None:
    client.reqHeadTimeStamp(7, stock(), "TRADES", 1, 2)
    assert int(client.until(lambda: client.named("headTimestamp"), "headTimestamp")[0].headTimestamp) > 0


@capability("quotes, prints, snapshot")
def _(client: Client) -> None:
    client.reqMktData(8, stock(), "233,236,375", False, False, [])
    client.reqMktData(9, stock(), "", True, False, [])
    client.until(lambda: client.named("tickSnapshotEnd"), "tickSnapshotEnd")
    client.stepping_until(lambda: client.named("tickString", reqId=8, tickType=77), "RTTradeVolume")
    assert {1, 2, 4} <= {args.tickType for args in client.named("tickPrice", reqId=8)}
    client.cancelMktData(8)
    client.cancelMktData(99)
    client.refused(99, 300)


@capability("5 s bars")
def _(client: Client) -> None:
    client.reqRealTimeBars(10, stock(), 5, "TRADES", False, [])
    client.stepping_until(lambda: client.named("realtimeBar"), "realtimeBar", 30)
    client.cancelRealTimeBars(10)


@capability("history kept up to date")
def _(client: Client) -> None:
    client.reqHistoricalData(31, stock(), "", "1800 S", "1 min", "TRADES", 0, 2, True, [])
    client.until(lambda: client.named("historicalDataEnd", reqId=31), "historicalDataEnd")
    growing = client.stepping_until(lambda: client.named("historicalDataUpdate", reqId=31), "update", 30)[0].bar
    assert int(growing.date) % 60 == 0 and growing.low <= growing.close <= growing.high, str(growing)
    client.cancelHistoricalData(31)


@capability("schedule and past ticks")
def _(client: Client) -> None:
    client.reqHistoricalData(32, stock(), "", "5 D", "1 day", "SCHEDULE", 1, 1, False, [])
    client.until(lambda: client.named("historicalSchedule", reqId=32), "historicalSchedule")
    for number, what in enumerate(("TRADES", "BID_ASK", "MIDPOINT"), 33):
        client.reqHistoricalTicks(number, stock(), "", "20261119-18:00:00", 20, what, 1, True, [])
    for name in ("historicalTicksLast", "historicalTicksBidAsk", "historicalTicks"):
        assert client.until(lambda: client.named(name), name)[0].ticks  # noqa: B023


@capability("tick by tick")
def _(client: Client) -> None:
    client.reqTickByTickData(36, stock(), "AllLast", 0, False)
    client.stepping_until(lambda: client.named("tickByTickAllLast", reqId=36), "tickByTickAllLast", 60)
    client.cancelTickByTickData(36)


@capability("scanner")
def _(client: Client) -> None:
    client.reqScannerParameters()
    client.until(lambda: client.named("scannerParameters"), "scannerParameters")
    ask = ScannerSubscription()
    ask.instrument, ask.locationCode, ask.scanCode, ask.numberOfRows = "STK", "STK.US.MAJOR", "MOST_ACTIVE_USD", 2
    client.reqScannerSubscription(37, ask, [], [])
    client.until(lambda: client.named("scannerDataEnd", reqId=37), "scannerDataEnd")
    client.cancelScannerSubscription(37)


@capability("news: history and article")
def _(client: Client) -> None:
    client.reqNewsProviders()
    codes = "+".join(
        each.code for each in client.until(lambda: client.named("newsProviders"), "providers")[0].newsProviders
    )
    client.reqHistoricalNews(11, 265598, codes, "", "", 20, [])
    client.until(lambda: client.named("historicalNewsEnd"), "historicalNewsEnd")
    line = client.named("historicalNews")[0]
    client.reqNewsArticle(12, line.providerCode, line.articleId, [])
    assert client.until(lambda: client.named("newsArticle"), "newsArticle")[0].articleText


@capability("account and positions")
def _(client: Client) -> None:
    client.reqAccountSummary(13, "All", "NetLiquidation,BuyingPower")
    client.reqAccountUpdates(True, "")
    client.reqAccountUpdatesMulti(14, "", "", True)
    client.reqPositions()
    for name in ("accountSummaryEnd", "accountDownloadEnd", "accountUpdateMultiEnd", "positionEnd"):
        client.until(lambda: client.named(name), name)  # noqa: B023


@capability("market order to commission")
def _(client: Client) -> None:
    client.placeOrder(1, stock(), order("BUY", "MKT", orderRef="matrix"))
    client.stepping_until(lambda: client.named("commissionAndFeesReport"), "commission report", 60)
    match = client.named("execDetails")[0].execution
    assert (match.side, match.orderRef, match.time[-10:]) == ("BOT", "matrix", "US/Eastern"), str(match)
    client.status(1, "Filled")
    assert client.named("position")[-1].position == 10


@capability("profit and loss")
def _(client: Client) -> None:
    account = client.named("managedAccounts")[0].accountsList.strip(",")
    client.reqPnL(38, account, "")
    client.reqPnLSingle(39, account, "", 265598)
    client.until(lambda: client.named("pnl", reqId=38) and client.named("pnlSingle", reqId=39), "pnl")
    assert client.named("pnlSingle")[0].pos == 10
    client.cancelPnL(38)
    client.cancelPnLSingle(39)


@capability("what if")
def _(client: Client) -> None:
    client.placeOrder(40, stock(), order("BUY", "LMT", lmtPrice=100.0, whatIf=True))
    state = client.until(lambda: client.named("openOrder", orderId=40), "openOrder")[0].orderState
    assert float(state.initMarginAfter) > 0, str(state)
    client.reqIds(1)


@capability("bracket, staged")
def _(client: Client) -> None:
    client.placeOrder(2, stock(), order("BUY", "LMT", lmtPrice=900.0, transmit=False))
    client.placeOrder(3, stock(), order("SELL", "LMT", lmtPrice=990.0, parentId=2, transmit=False, tif="GTC"))
    assert not client.named("openOrder", orderId=2)
    client.placeOrder(4, stock(), order("SELL", "STP", auxPrice=10.0, parentId=2, tif="GTC"))
    client.status(2, "Filled")
    client.status(3, "Submitted")
    held = client.stepping_until(lambda: client.named("orderStatus", orderId=4, status="PreSubmitted"), "a held stop")
    assert held[-1].whyHeld == "trigger" and held[-1].parentId == 2


@capability("open orders of one and all")
def _(client: Client) -> None:
    client.reqOpenOrders()
    client.reqAllOpenOrders()
    client.until(lambda: len(client.named("openOrderEnd")) == 2, "both ends")
    stop = client.named("openOrder", orderId=4)[-1].order
    assert (stop.auxPrice, stop.tif, stop.parentId) == (10.0, "GTC", 2), str(stop)


@capability("modify: target to market")
def _(client: Client) -> None:
    client.placeOrder(3, stock(), order("SELL", "MKT", parentId=2, tif="GTC"))
    client.status(3, "Filled")
    client.status(4, "Cancelled")


@capability("cancel (202) and unknown (10147)")
def _(client: Client) -> None:
    client.placeOrder(5, stock(), order("BUY", "LMT", lmtPrice=1.0))
    client.status(5, "Submitted")
    client.cancelOrder(5, OrderCancel())
    client.status(5, "Cancelled")
    client.refused(5, 202)
    client.cancelOrder(77, OrderCancel())
    client.refused(77, 10147)


@capability("IOC and global cancel")
def _(client: Client) -> None:
    client.placeOrder(6, stock(), order("BUY", "LMT", lmtPrice=1.0, tif="IOC"))
    client.status(6, "Cancelled")
    client.placeOrder(7, stock(), order("BUY", "LMT", lmtPrice=1.0))
    client.status(7, "Submitted")
    client.reqGlobalCancel(OrderCancel())
    client.status(7, "Cancelled")


@capability("executions, completed orders")
def _(client: Client) -> None:
    client.reqExecutions(20, ExecutionFilter())
    client.reqCompletedOrders(False)
    client.until(lambda: client.named("execDetailsEnd") and client.named("completedOrdersEnd"), "an end")
    shares = sum(args.execution.shares for args in client.named("execDetails", reqId=20))
    assert shares == 30, f"{shares} shares"
    assert len(client.named("completedOrder")) >= 5


@capability("client id in use (326)")
def _(client: Client) -> None:
    second = Client(client.port, client.clientId)
    second.until(lambda: 326 in second.codes(-1), "326")


@capability("live headlines")
def _(client: Client) -> None:
    client.reqMktData(30, stock(), "mdoff,292", False, False, [])
    line = client.stepping_until(lambda: client.named("tickNews"), "tickNews", 2500)[0]
    assert line.headline and line.articleId


def main(port: int) -> None:
    """Run every check, each whatever became of the one before."""
    logging.disable(logging.ERROR)
    client = Client(port, 1)
    results: dict[str, str] = {}
    for name, check in CHECKS.items():
        try:
            check(client)
            results[name] = "pass"
        except Exception as problem:  # noqa: BLE001  the reason is the result
            results[name] = f"{type(problem).__name__}: {problem}"[:120]
    sys.stdout.write(json.dumps({"server_version": client.serverVersion(), "results": results}) + "\n")
    sys.stdout.flush()
    os._exit(0)  # ibapi's reader thread is no daemon and waits for the gateway to hang up


if __name__ == "__main__":
    main(int(sys.argv[1]))
