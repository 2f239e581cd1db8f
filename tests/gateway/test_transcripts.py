"""Conversations recorded with a live gateway, repeated by the official client with the simulated one.

The gateway is given a market path and answers to named switches; both are read off what a transcript shows, never
looked up by its name. What it answers must be the same callbacks with the same values in the same order.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel

from momentum_kit.sessions import NEW_YORK, session_on
from momentum_kit.simgateway.embedding import AAPL, BarSeries, DayTape, Market, Scenario, build_tape, to_ms
from momentum_kit.simgateway.scenario import BrokerSpec, CommissionSpec
from momentum_kit.simgateway.server import SimulatedGateway

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "gateway" / "transcripts.json"
SOURCE = Path(__file__).resolve().parents[2] / "momentum_kit" / "simgateway"
RECORDER_ZONE = ZoneInfo("Europe/Berlin")
PAUSE_S = 10  # market seconds between two client steps
SPREAD = 0.03
FIRST_REQUEST = 9001

Step = dict[str, Any]
Said = tuple[str, dict[str, Any]]  # a callback and its values


def transcripts() -> dict[str, dict[str, Any]]:
    """All of them by name; none where the recordings are not on this machine."""
    if not RECORDINGS.exists():
        return {}
    return {entry["name"]: entry for entry in json.loads(RECORDINGS.read_text())["transcripts"]}


def server_steps(steps: list[Step], kind: str) -> list[dict[str, Any]]:
    """The fields of all server steps of a kind."""
    return [step["fields"] for step in steps if step.get("server") == kind]


def client_steps(steps: list[Step], kind: str) -> list[dict[str, Any]]:
    """The fields of all client steps of a kind."""
    return [step["fields"] for step in steps if step.get("client") == kind]


# ---------------------------------------------------------------- what the gateway is given


def switches(steps: list[Step]) -> dict[str, str]:
    """The alternatives that a transcript shows."""
    orders = {fields["order_id"]: fields for fields in client_steps(steps, "place_order")}
    cancelled = {fields["order_id"] for fields in client_steps(steps, "cancel_order")}
    reports = {fields["exec_id"]: fields for fields in server_steps(steps, "commission_report")}
    chosen: dict[str, str] = {}
    for status in server_steps(steps, "order_status"):
        order_id = str(status["order_id"])
        held = status["status"] == "PreSubmitted" and not status["why_held"]
        if held and orders[order_id]["order_type"] == "LMT":
            chosen["first_status"] = "held"
        if status["status"] == "Submitted" and orders[order_id].get("tif") == "GTC":
            chosen.setdefault("first_status", "direct")
        if status["status"] == "PendingCancel" and order_id in cancelled:
            chosen["cancel_status"] = "pending_first"
    for execution in server_steps(steps, "execution_detail"):
        report = reports.get(execution["exec_id"])
        if execution["side"] == "SLD" and report is None:
            chosen["closing_commission"] = "late"
        if execution["side"] == "BOT" and report and report["realized_pnl"] == "0":
            chosen["opening_pnl"] = "zero"
    if any(fields["code"] == 2107 for fields in server_steps(steps, "api_error")):
        chosen["history_farm"] = "inactive"
    if client_steps(steps, "req_executions") and not server_steps(steps, "executions_end"):
        chosen["empty_executions"] = "silence"
    return chosen


def market_day(steps: list[Step]) -> tuple[date, time]:
    """Day and New York time of the recording; those made on a Sunday get the next session's morning."""
    stamp = next(step["handshake"]["connection_time"] for step in steps if "handshake" in step)
    moment = datetime.strptime(stamp[:17], "%Y%m%d %H:%M:%S").replace(tzinfo=RECORDER_ZONE).astimezone(NEW_YORK)
    session = session_on(moment.date())
    if session and session.contains(moment):
        return moment.date(), moment.time()
    day = moment.date()
    while session_on(day) is None:
        day += timedelta(days=1)
    return day, time(10, 0)


def touches(steps: list[Step]) -> list[tuple[float, float]]:
    """Bid and ask from each client step on: so that what was executed next could be, and nothing else."""
    ticks = {fields["field"]: float(fields["price"]) for fields in server_steps(steps, "tick_price")}
    limits = [float(order.get("lmt_price") or 0) for order in client_steps(steps, "place_order")]
    bid, ask = ticks.get(1, round(max(limits, default=0) * 1.02 + 100, 2)), ticks.get(2, 0.0)
    current = (bid, ask or round(bid + SPREAD, 2))
    path: list[tuple[float, float]] = []
    for step in reversed(steps):
        if step.get("server") == "execution_detail":
            price = float(step["fields"]["price"])
            bought = step["fields"]["side"] == "BOT"
            current = (round(price - SPREAD, 2), price) if bought else (price, round(price + SPREAD, 2))
        if "client" in step:
            path.append(current)
    return path[::-1] or [current]


class PathSource:
    """AAPL on one day, at the touches given, and the bars of one earlier day."""

    def __init__(self, opening: datetime, path: list[tuple[float, float]], bars: list[dict[str, Any]]) -> None:
        self.instruments = {AAPL.con_id: AAPL}
        self.headlines = ()
        self.truth: dict[str, list[dict[str, Any]]] = {"planted": [], "decoys": []}
        self._bars = bars
        stamps = [datetime.strptime(bar["time"][:17], "%Y%m%d %H:%M:%S") for bar in bars]  # noqa: DTZ007
        self._bar_times = [stamp.replace(tzinfo=NEW_YORK) for stamp in stamps]
        self.earlier_days = tuple(sorted({moment.date() for moment in self._bar_times}))
        start = to_ms(opening)
        at = np.array([start - 3_600_000 if i == 0 else start + i * PAUSE_S * 1_000 - 500 for i in range(len(path))])
        sizes = np.full(len(path), 500)
        bids, asks = (np.array(column) for column in zip(*path, strict=True))
        none = np.empty(0, dtype=np.int64)
        self._tape = build_tape(AAPL.con_id, (none, np.empty(0), none), (at, bids, asks, sizes, sizes))

    def tape(self, _: int, day: date) -> DayTape | None:
        """The served day only."""
        return None if day in self.earlier_days else self._tape

    def minutes(self, *_: object) -> BarSeries | None:
        """Each recorded bar as if it had happened within its first minute."""

        def column(name: str) -> Any:
            return np.array([float(bar[name]) for bar in self._bars])

        start = np.array([to_ms(moment) for moment in self._bar_times])
        prices = (column("open"), column("high"), column("low"), column("close"))
        return BarSeries(start, *prices, column("volume"), column("wap"), column("count").astype(np.int64))


def open_gateway(steps: list[Step]) -> SimulatedGateway:
    """A gateway in lock-step on the transcript's day, account, market path and switches."""
    day, opening = market_day(steps)
    account = server_steps(steps, "managed_accounts")[0]["accounts"][0]
    unsubscribed = any(fields["code"] in (10089, 10167) for fields in server_steps(steps, "api_error"))
    scenario = Scenario(
        day=day,
        start=opening,
        end=(datetime.combine(day, opening) + timedelta(minutes=30)).time(),
        market_data_type=3 if unsubscribed else 1,
        broker=BrokerSpec(account=account, commission=CommissionSpec(sec_usd_per_million=0, cat_per_share_usd=0)),
    )
    source = PathSource(scenario.starts_at, touches(steps), server_steps(steps, "historical_bar"))
    return SimulatedGateway(Market(scenario, source), lock_step_s=1.0, assumptions=switches(steps))


# ---------------------------------------------------------------- what the client does


class Player:
    """The client side of a transcript, step by step, on the official client."""

    def __init__(self, gateway: SimulatedGateway, connect_client: Any, client_id: int) -> None:
        self.gateway = gateway
        self.heard: list[Said] = []
        self._connect = connect_client
        self._client_id = client_id
        self._client: Any = None
        self._moves = 0

    async def use_up_ids(self, first: int) -> None:
        """An earlier session of the same client leaves its ids used up to `first`: by an order nobody takes."""
        if first == 1:
            return
        await self.connect()
        order = Order()
        order.action, order.totalQuantity, order.orderType = "BUY", Decimal(1), "NONE"
        self._client.placeOrder(first - 1, _aapl(), order)
        await self._client.wait_for(lambda: self._client.errors(first - 1))
        await self.hang_up()
        self.heard.clear()

    async def connect(self) -> None:
        """A new session under the same client id."""
        self._client = await self._connect(self.gateway.port, self._client_id)

    async def hang_up(self) -> None:
        """End the session; returns when the gateway has noticed."""
        await self._client.close()
        self._collect()
        async with asyncio.timeout(60):
            while self.gateway.connections:  # noqa: ASYNC110  (the gateway has no event for it)
                await asyncio.sleep(0.01)

    async def act(self, step: Step, answers: int) -> None:
        """Send one request and let market time pass until its answers, and nothing more, can have come."""
        getattr(self, f"_{step['client']}")(step["fields"])
        self._moves += 1
        began = self.gateway.hub.now
        before = len(self._client.calls)
        while self.gateway.hub.now < began + timedelta(seconds=PAUSE_S / 2):
            if len(list(said(self._client.calls[before:]))) >= answers and answers:
                break
            await self._client.step()
        await self._client.step()  # what should not come has had its time, too

    async def rest(self) -> None:
        """Let market time pass until the next client step is due."""
        start = self.gateway.hub.market.scenario.starts_at
        while self.gateway.hub.now < start + timedelta(seconds=PAUSE_S * self._moves):
            await self._client.step()

    def _collect(self) -> None:
        self.heard += said(self._client.calls)

    def _place_order(self, fields: dict[str, Any]) -> None:
        order = Order()
        order.action, order.orderType = fields["action"], fields["order_type"]
        order.totalQuantity = Decimal(fields["total_quantity"])
        order.tif, order.account = fields["tif"], fields["account"]
        order.transmit = fields.get("transmit", True)
        if fields.get("lmt_price"):
            order.lmtPrice = float(fields["lmt_price"])
        if fields.get("aux_price"):
            order.auxPrice = float(fields["aux_price"])
        self._client.placeOrder(int(fields["order_id"]), _aapl(), order)

    def _cancel_order(self, fields: dict[str, Any]) -> None:
        self._client.cancelOrder(int(fields["order_id"]), OrderCancel())

    def _req_open_orders(self, _: dict[str, Any]) -> None:
        self._client.reqOpenOrders()

    def _req_executions(self, _: dict[str, Any]) -> None:
        self._client.reqExecutions(FIRST_REQUEST, ExecutionFilter())

    def _req_contract_details(self, _: dict[str, Any]) -> None:
        self._client.reqContractDetails(FIRST_REQUEST, _aapl(con_id=0))

    def _req_historical_bars(self, fields: dict[str, Any]) -> None:
        midnight = datetime.combine(self.gateway.hub.market.scenario.day, time(), NEW_YORK)
        end = f"{midnight:%Y%m%d %H:%M:%S} US/Eastern"
        asked = (fields["duration"], fields["bar_size"], fields["what_to_show"], int(fields["use_rth"]))
        self._client.reqHistoricalData(FIRST_REQUEST, _aapl(con_id=0), end, *asked, 1, False, [])

    def _req_quote(self, fields: dict[str, Any]) -> None:
        self._client.reqMarketDataType(3)
        self._client.reqMktData(FIRST_REQUEST, _aapl(con_id=0), "", fields["snapshot"], False, [])

    def _req_realtime_bars(self, fields: dict[str, Any]) -> None:
        self._client.reqRealTimeBars(FIRST_REQUEST, _aapl(con_id=0), 5, fields["what_to_show"], fields["use_rth"], [])


def _aapl(con_id: int = AAPL.con_id) -> Contract:
    contract = Contract()
    contract.conId, contract.symbol, contract.secType = con_id, "AAPL", "STK"
    contract.exchange, contract.currency = "SMART", "USD"
    return contract


# ---------------------------------------------------------------- how both sides are compared


def _contract(contract: Any) -> dict[str, Any]:
    return {
        "con_id": contract.conId,
        "symbol": contract.symbol,
        "sec_type": contract.secType,
        "exchange": contract.exchange,
        "currency": contract.currency,
        "primary_exchange": contract.primaryExchange,
        "local_symbol": contract.localSymbol,
        "trading_class": contract.tradingClass,
    }


def _open_order(a: Any) -> dict[str, Any]:
    order = a.order
    return {
        "order_id": a.orderId,
        "account": order.account,
        "contract": _contract(a.contract),
        "action": order.action,
        "order_type": order.orderType,
        "status": a.orderState.status,
        "quantity": order.totalQuantity,
        "lmt_price": order.lmtPrice,
        "aux_price": order.auxPrice,
        "tif": order.tif,
        "perm_id": order.permId,
        "client_id": order.clientId,
        "origin": order.origin,
    }


def _order_status(a: Any) -> dict[str, Any]:
    return {
        "order_id": a.orderId,
        "status": a.status,
        "filled": a.filled,
        "remaining": a.remaining,
        "avg_fill_price": a.avgFillPrice,
        "perm_id": a.permId,
        "parent_id": a.parentId,
        "last_fill_price": a.lastFillPrice,
        "client_id": a.clientId,
        "why_held": a.whyHeld,
        "mkt_cap_price": a.mktCapPrice,
    }


def _execution(a: Any) -> dict[str, Any]:
    done = a.execution
    return {
        "req_id": a.reqId,
        "order_id": done.orderId,
        "exec_id": done.execId,
        "account": done.acctNumber,
        "symbol": a.contract.symbol,
        "side": done.side,
        "shares": done.shares,
        "price": done.price,
    }


def _commission(a: Any) -> dict[str, Any]:
    report = next(iter(vars(a).values()))
    paid = getattr(report, "commissionAndFees", None)
    cost = report.commission if paid is None else paid
    return {
        "exec_id": report.execId,
        "commission": cost,
        "currency": report.currency,
        "realized_pnl": report.realizedPNL,
    }


def _error(a: Any) -> dict[str, Any]:
    return {
        "req_id": a.reqId,
        "code": a.errorCode,
        "message": a.errorString,
        "advanced_order_reject_json": a.advancedOrderRejectJson,
    }


def _details(a: Any) -> dict[str, Any]:
    found = a.contractDetails
    return {
        "req_id": a.reqId,
        "contract": _contract(found.contract),
        "market_name": found.marketName,
        "min_tick": found.minTick,
        "long_name": found.longName,
        "time_zone_id": found.timeZoneId,
    }


def _bar(a: Any) -> dict[str, Any]:
    bar = a.bar
    names = ("open", "high", "low", "close", "volume", "wap")
    values = {name: getattr(bar, name) for name in names}
    return {"req_id": a.reqId, "time": bar.date, "count": bar.barCount} | values


DELAYED_TICKS = {66: 1, 67: 2}  # delayed bid and ask; the one transcript that was not recorded writes 1 and 2
READERS = {
    "managedAccounts": ("managed_accounts", lambda a: {"accounts": [x for x in a.accountsList.split(",") if x]}),
    "nextValidId": ("next_valid_id", lambda a: {"order_id": a.orderId}),
    "openOrder": ("open_order", _open_order),
    "openOrderEnd": ("open_order_end", lambda _: {}),
    "orderStatus": ("order_status", _order_status),
    "execDetails": ("execution_detail", _execution),
    "execDetailsEnd": ("executions_end", lambda a: {"req_id": a.reqId}),
    "commissionReport": ("commission_report", _commission),
    "commissionAndFeesReport": ("commission_report", _commission),
    "error": ("api_error", _error),
    "contractDetails": ("contract_details", _details),
    "contractDetailsEnd": ("contract_details_end", lambda a: {"req_id": a.reqId}),
    "historicalData": ("historical_bar", _bar),
    "historicalDataEnd": ("historical_bars_end", lambda a: {"req_id": a.reqId}),
    "marketDataType": ("market_data_type", lambda a: {"req_id": a.reqId, "data_type": a.marketDataType}),
    "tickPrice": (
        "tick_price",
        lambda a: {"req_id": a.reqId, "field": DELAYED_TICKS.get(a.tickType, a.tickType), "price": a.price},
    ),
    "tickSnapshotEnd": ("tick_snapshot_end", lambda a: {"req_id": a.reqId}),
}
FARM = re.compile(r"\w+$")


def said(calls: list[Any]) -> Iterator[Said]:
    """Callbacks in the words of the transcripts; the client's own clock reading is none of them."""
    for call in list(calls):
        if call.name in READERS:
            name, read = READERS[call.name]
            yield name, read(call.args)


def without_farms(sayings: list[Said]) -> tuple[list[Said], list[str]]:
    """Business apart from the farms a session's start names: a farm's state is the day's, and sources drop some."""
    business, farms = [], []
    for name, values in sayings:
        if name == "api_error" and values["req_id"] == -1 and 2100 <= values["code"] < 2200:
            farms.append(f"{values['code']} {FARM.findall(values['message'])[0]}")
        else:
            business.append((name, values))
    return business, farms


class Comparison:
    """Checks heard values against recorded ones; perm, exec and client ids need only map one to one."""

    MAPPED = frozenset({"perm_id", "exec_id", "client_id"})
    # openOrder has no such fields, the recorder's body has; times are those of another day
    IGNORED = frozenset({"time", "error_time_ms"})

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], str] = {}

    def differences(self, recorded: Said, heard: Said) -> list[str]:
        """Each as the field with both values; empty where both say the same."""
        if heard[0] != recorded[0]:
            return [f"{recorded[0]} was recorded, {heard[0]} heard"]
        found: list[str] = []
        for field, value in recorded[1].items():
            in_body = recorded[0] == "open_order" and field in ("filled", "remaining")
            if not in_body and (field not in self.IGNORED or recorded[0] == "historical_bar"):
                found += self._differing(field, value, heard[1][field])
        return found

    def _differing(self, field: str, recorded: Any, heard: Any) -> list[str]:
        if isinstance(recorded, dict):
            return [each for part, value in recorded.items() for each in self._differing(part, value, heard[part])]
        if field in self.MAPPED:
            known = self._ids.setdefault((field, str(recorded)), str(heard))
            back = self._ids.setdefault((f"{field} back", str(heard)), str(recorded))
            same = (known, back) == (str(heard), str(recorded))
        elif field == "message":
            same = heard.startswith(recorded)
        else:
            same = _number(heard) == _number(recorded)
        return [] if same else [f"{field}: recorded {recorded!r}, heard {heard!r}"]


def _number(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("$req"):
        return FIRST_REQUEST
    try:
        return float(Decimal(str(value)))
    except InvalidOperation:
        return value


async def play(transcript: dict[str, Any], connect_client: Any) -> tuple[list[Said], list[Said]]:
    """Recorded and heard, in full."""
    steps = transcript["steps"]
    recorded = [(step["server"], step["fields"]) for step in steps if "server" in step]
    ids = [fields["client_id"] for name, fields in recorded if "client_id" in fields]
    async with open_gateway(steps) as gateway:
        player = Player(gateway, connect_client, int(ids[0]) if ids else 1)
        await player.use_up_ids(server_steps(steps, "next_valid_id")[0]["order_id"])
        for index, step in enumerate(steps):
            if "handshake" in step:
                await player.connect()
            elif "disconnect" in step:
                await player.hang_up()
            elif "client" in step:
                await player.rest()
                await player.act(step, _answers(steps[index + 1 :]))
    return recorded, player.heard


def _answers(following: list[Step]) -> int:
    """How many server steps come before the next client step or the end."""
    count = 0
    for step in following:
        if "client" in step or "disconnect" in step:
            break
        count += "server" in step
    return count


@pytest.mark.parametrize("name", list(transcripts()) or ["none on this machine"])
async def test_the_gateway_repeats_the_recording(
    name: str, shared_data: Path, connect_client: Any, show_table: Any
) -> None:
    """Same callbacks, same values, same order; ids map one to one."""
    transcript = transcripts()[name]
    recorded, heard = await play(transcript, connect_client)
    (recorded, recorded_farms), (heard, farms) = without_farms(recorded), without_farms(heard)
    if not transcript["recorded"]:
        wanted = {said[0] for said in recorded}
        heard = [said for said in heard if said[0] in wanted and said[1].get("field") in (None, 1, 2)]
    comparison, rows, different = Comparison(), [], []
    for number, (theirs, ours) in enumerate(zip_longest(recorded, heard), start=1):
        found = comparison.differences(theirs, ours) if theirs and ours else ["only one side says it"]
        rows.append((number, "; ".join(found) or "yes", "recorded", *in_words(theirs)))
        rows.append(("", "", "ours", *in_words(ours)))
        different += found
    told = [farm for farm in farms if farm in recorded_farms]
    same_farms = "yes" if told == recorded_farms else "no"
    rows += [("", same_farms, "recorded", "farms", " ".join(recorded_farms)), ("", "", "ours", "farms", " ".join(told))]
    show_table(name, ("", "same", "", "callback", "values"), rows)
    assert different == []
    assert told[: len(recorded_farms)] == recorded_farms


def in_words(saying: Said | None) -> tuple[str, str]:
    """A callback for a reader: its name, and its values but for those of the contract and empty ones."""
    if saying is None:
        return "", ""
    name, values = saying
    told = {key: value for key, value in values.items() if key not in ("contract", "error_time_ms") and value != ""}
    return name, " ".join(f"{key}={value}" for key, value in told.items())


def test_the_bootstrap_names_the_recorded_farms_in_order(shared_data: Path) -> None:
    """The codes and words of a start, to the letter."""
    from momentum_kit.simgateway.client.handlers.session import FARMS

    errors = server_steps(transcripts()["grounded_bootstrap"]["steps"], "api_error")
    assert [(fields["code"], fields["message"]) for fields in errors] == list(FARMS)


def test_no_outcome_of_a_recording_stands_in_the_gateway(shared_data: Path) -> None:
    """No perm id, exec id, order price or fill price of any transcript is in its source."""
    source = "".join(path.read_text() for path in SOURCE.glob("*.py"))
    traces = set()
    for transcript in transcripts().values():
        for step in transcript["steps"]:
            fields = step.get("fields", {})
            names = ("perm_id", "exec_id", "lmt_price", "aux_price", "price", "avg_fill_price")
            traces |= {str(fields[name]) for name in names if len(str(fields.get(name, ""))) > 4}
    assert traces
    assert [trace for trace in traces if trace in source] == []
