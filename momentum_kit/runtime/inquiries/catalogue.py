"""The catalogue of inquiries: what each asks the bridge, which arguments it takes, and of what kind its answer is.

Arguments come as JSON over the control endpoint and are checked against the signatures here; answers go back as the
frozen models that the bridge gives.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, validate_call

from momentum_kit.bridge import IBKRBridge, Stream
from momentum_kit.errors import InputError, RequestTimeout
from momentum_kit.models import (
    AccountProfit,
    AccountValue,
    Bar,
    Bulletin,
    CommissionReport,
    Contract,
    CostedExecution,
    GatewaySettings,
    MarketDataType,
    ModelPosition,
    OpenOrder,
    OrderAction,
    OrderPreview,
    OrderRequest,
    PositionProfit,
    Quote,
    Scan,
    ScanRow,
    SessionHours,
    SingleTick,
    TickKind,
    ValuedPosition,
)

MOST_SECONDS = 300.0  # wall seconds for which one inquiry may listen
MOST_ROWS = 100_000
QUOTE_PATIENCE_S = 15.0
_NAN = float("nan")

T = TypeVar("T")
Seconds = Annotated[float, Field(gt=0, le=MOST_SECONDS)]
Rows = Annotated[int, Field(ge=1, le=MOST_ROWS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquirer:
    """Whom an inquiry asks, and for whom. contract(symbol): the stock behind a symbol; NoData if there is none.

    one_quote: held while a line is asked for, since the kind of data that it may bring is the connection's.
    """

    bridge: IBKRBridge
    account: str
    contract: Callable[[str], Awaitable[Contract]]
    one_quote: asyncio.Lock


@dataclass(frozen=True, slots=True)
class Inquiry:
    """ask(asker, **arguments); answer: reads and writes its kind of answer."""

    ask: Callable[..., Awaitable[Any]]
    answer: TypeAdapter[Any]


INQUIRIES: dict[str, Inquiry] = {}


def _inquiry(kind: Any) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]:
    def enter(ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        checked = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(ask)
        INQUIRIES[ask.__name__] = Inquiry(checked, TypeAdapter(kind))
        return ask

    return enter


async def ask(asker: Inquirer, name: str, arguments: Mapping[str, Any]) -> Any:
    """The answer to one inquiry; InputError in one line for a name or an argument that is none."""
    inquiry = INQUIRIES.get(name)
    if inquiry is None:
        raise InputError(f"no inquiry is called {name!r}; there are {', '.join(INQUIRIES)}")
    try:
        return await inquiry.ask(asker, **arguments)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "arguments"
        raise InputError(f"{name}: {where}: {first['msg']}") from None


def encode_answer(name: str, answer: Any) -> str:
    """As JSON; nan stays NaN, which both our ends read."""
    return json.dumps(INQUIRIES[name].answer.dump_python(answer, mode="json"))


def decode_answer(name: str, content: Any) -> Any:
    """From parsed JSON."""
    return INQUIRIES[name].answer.validate_python(content)


# -- the market -------------------------------------------------------------------------------------------------------


@_inquiry(tuple[ScanRow, ...])
async def scan(
    asker: Inquirer,
    *,
    code: str,
    instrument: str = "STK",
    location: str = "STK.US.MAJOR",
    rows: int = 50,
    above_price: float | None = None,
    below_price: float | None = None,
    above_volume: int | None = None,
    above_market_cap: float | None = None,
    below_market_cap: float | None = None,
    filters: dict[str, str] | None = None,
) -> tuple[ScanRow, ...]:
    """IB's market scanner, now."""
    asked = Scan(
        code=code,
        instrument=instrument,
        location=location,
        rows=rows,
        above_price=above_price,
        below_price=below_price,
        above_volume=above_volume,
        above_market_cap=above_market_cap,
        below_market_cap=below_market_cap,
        filters=tuple((filters or {}).items()),
    )
    return await asker.bridge.fetch_scan(asked)


@_inquiry(str)
async def scanner_parameters(asker: Inquirer) -> str:
    """IB's document of all scans."""
    return await asker.bridge.fetch_scanner_parameters()


@_inquiry(tuple[SingleTick, ...])
async def tick_by_tick(
    asker: Inquirer, *, symbol: str, kind: TickKind = TickKind.LAST, seconds: Seconds = 10.0, count: Rows = MOST_ROWS
) -> tuple[SingleTick, ...]:
    """Single ticks for some seconds, or until there are so many."""
    return await _listen(asker.bridge.stream_ticks(await asker.contract(symbol), kind), seconds, count)


@_inquiry(tuple[SingleTick, ...])
async def historical_ticks(
    asker: Inquirer,
    *,
    symbol: str,
    start: datetime | None = None,
    end: datetime | None = None,
    count: int = 1000,
    what: str = "TRADES",
    use_rth: bool = False,
) -> tuple[SingleTick, ...]:
    """Single ticks of the past."""
    contract = await asker.contract(symbol)
    return await asker.bridge.fetch_historical_ticks(
        contract, start=start, end=end, count=count, what=what, use_rth=use_rth
    )


@_inquiry(tuple[Bar, ...])
async def real_time_bars(
    asker: Inquirer,
    *,
    symbol: str,
    what: str = "TRADES",
    use_rth: bool = False,
    seconds: Seconds = 30.0,
    count: Rows = MOST_ROWS,
) -> tuple[Bar, ...]:
    """Bars of 5 s as they close."""
    stream = asker.bridge.stream_real_time_bars(await asker.contract(symbol), what, use_rth)
    return await _listen(stream, seconds, count)


@_inquiry(datetime)
async def head_timestamp(asker: Inquirer, *, symbol: str, what: str = "TRADES", use_rth: bool = True) -> datetime:
    """When the history of a symbol begins."""
    return await asker.bridge.fetch_head_timestamp(await asker.contract(symbol), what, use_rth)


@_inquiry(tuple[SessionHours, ...])
async def schedule(
    asker: Inquirer, *, symbol: str, duration: str = "5 D", end: datetime | None = None, use_rth: bool = True
) -> tuple[SessionHours, ...]:
    """Trading sessions of a symbol."""
    return await asker.bridge.fetch_schedule(await asker.contract(symbol), end, duration, use_rth)


@_inquiry(tuple[Bulletin, ...])
async def bulletins(asker: Inquirer, *, seconds: Seconds = 2.0, count: Rows = MOST_ROWS) -> tuple[Bulletin, ...]:
    """IB's bulletins of today, and those of the next seconds."""
    return await _listen(asker.bridge.stream_bulletins(), seconds, count)


@_inquiry(Quote)
async def quote(asker: Inquirer, *, symbol: str, delayed: bool = False) -> Quote:
    """The first whole quote; delayed: also one that is a quarter of an hour old, which says so."""
    contract, bridge = await asker.contract(symbol), asker.bridge
    async with asker.one_quote:
        if delayed:
            await bridge.allow_data_type(MarketDataType.DELAYED)
        stream = bridge.stream_quotes(contract)
        try:
            async with asyncio.timeout(QUOTE_PATIENCE_S):
                async for found in stream:
                    if found.bid > 0 and found.ask > 0:
                        return found
        except TimeoutError:
            raise RequestTimeout(
                f"no quote of {symbol} within {QUOTE_PATIENCE_S:g} s: nothing trades, or there is no live subscription"
                + ("" if delayed else " (delayed=True asks for delayed data)")
            ) from None
        finally:
            await stream.aclose()
            if delayed:
                await bridge.allow_data_type(MarketDataType.LIVE)
    raise RequestTimeout(f"the line of {symbol} ended before its first quote")


# -- the account ------------------------------------------------------------------------------------------------------


@_inquiry(OrderPreview)
async def what_if(
    asker: Inquirer,
    *,
    symbol: str,
    action: OrderAction,
    quantity: Annotated[Decimal, Field(gt=0)],
    order_type: str = "",
    limit_price: float | None = None,
    stop_price: float | None = None,
    outside_rth: bool = False,
) -> OrderPreview:
    """What an order would cost and bind; nothing is placed."""
    kinds = {(False, False): "MKT", (True, False): "LMT", (False, True): "STP", (True, True): "STP LMT"}
    order = OrderRequest(
        action=action,
        quantity=quantity,
        order_type=order_type or kinds[limit_price is not None, stop_price is not None],
        limit_price=limit_price,
        stop_price=stop_price,
        outside_rth=outside_rth,
        account=asker.account,
    )
    return await asker.bridge.fetch_what_if(await asker.contract(symbol), order)


@_inquiry(GatewaySettings)
async def gateway_settings(asker: Inquirer) -> GatewaySettings:
    """What the gateway tells of its own API settings."""
    return await asker.bridge.fetch_gateway_settings()


@_inquiry(AccountProfit)
async def profit(asker: Inquirer) -> AccountProfit:
    """The account's profit and loss, now."""
    return await _first(asker.bridge.stream_profit(asker.account), f"profit of {asker.account}")


@_inquiry(PositionProfit)
async def position_profit(asker: Inquirer, *, symbol: str) -> PositionProfit:
    """One holding's profit and loss, now."""
    contract = await asker.contract(symbol)
    stream = asker.bridge.stream_position_profit(asker.account, contract.con_id)
    return await _first(stream, f"profit of {symbol}")


@_inquiry(tuple[AccountValue, ...])
async def account_values(asker: Inquirer) -> tuple[AccountValue, ...]:
    """Every value of the account."""
    return await asker.bridge.fetch_account_values(asker.account)


@_inquiry(tuple[ValuedPosition, ...])
async def valued_positions(asker: Inquirer) -> tuple[ValuedPosition, ...]:
    """The account's holdings at TWS's prices."""
    return await asker.bridge.fetch_valued_positions(asker.account)


@_inquiry(tuple[ModelPosition, ...])
async def positions_by_account(asker: Inquirer, *, account: str = "", model: str = "") -> tuple[ModelPosition, ...]:
    """The holdings of an account of this login, the session's if none is named."""
    return await asker.bridge.fetch_positions_of(account or asker.account, model)


@_inquiry(tuple[OpenOrder, ...])
async def all_open_orders(asker: Inquirer) -> tuple[OpenOrder, ...]:
    """Everybody's open orders."""
    return await asker.bridge.fetch_all_open_orders()


@_inquiry(tuple[CostedExecution, ...])
async def executions(asker: Inquirer, *, days: int = 1) -> tuple[CostedExecution, ...]:
    """Executions with their costs, where these have been told by then."""
    stream, costs = asker.bridge.stream_order_events(), dict[str, CommissionReport]()

    async def hear() -> None:
        async for event in stream:
            if isinstance(event, CommissionReport):
                costs[event.exec_id] = event

    hearing = asyncio.create_task(hear())
    try:
        found = await asker.bridge.fetch_executions(days)
        await asker.bridge.fetch_current_time()  # what was said before this answer has been said
        await asker.bridge.applied()
        await asyncio.sleep(0)
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        await stream.aclose()
    return tuple(
        CostedExecution(each, cost.commission_usd, cost.currency, cost.realized_pnl_usd)
        if (cost := costs.get(each.exec_id))
        else CostedExecution(each, _NAN, "", _NAN)
        for each in found
    )


async def _listen(stream: Stream[T], seconds: float, count: int) -> tuple[T, ...]:
    """What a stream brings in so many wall seconds; a refusal passes through."""
    found: list[T] = []
    try:
        async with asyncio.timeout(seconds):
            async for value in stream:
                found.append(value)
                if len(found) >= count:
                    break
    except TimeoutError:
        return tuple(found)
    finally:
        await stream.aclose()
    return tuple(found)


async def _first(stream: Stream[T], what: str) -> T:
    found = await _listen(stream, QUOTE_PATIENCE_S, 1)
    if not found:
        raise RequestTimeout(f"{what}: no word within {QUOTE_PATIENCE_S:g} s")
    return found[0]
