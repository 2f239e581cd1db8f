"""The doctor's checks that ask the gateway: account, clock, news, contract, history, market data and protection.

`gateway_checks` lists them in the order in which a session would need them. None of them places or changes an order.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import perf_counter

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import Config
from momentum_kit.errors import NoData
from momentum_kit.models import Contract, MarketDataType, OrderAction, Quote
from momentum_kit.runtime.doctor.finding import Finding, Grade
from momentum_kit.runtime.ownership import StateFolder, prove_account
from momentum_kit.sessions import session_at

MOST_SKEW_S = 2.0
TICK_PATIENCE_S = 15.0
RATE_LOOK_S = 1.0
STOPS = frozenset({"STP", "STP LMT", "TRAIL"})

Check = Callable[[], Awaitable[Finding]]


def gateway_checks(
    bridge: IBKRBridge, config: Config, folder: StateFolder, symbol: str, *, running: bool
) -> list[tuple[str, Check]]:
    """Each check with its name. Orders are this client's own: beside a running session its engine watches them."""
    checks: list[tuple[str, Check]] = [
        ("account", lambda: _account(bridge, config, folder)),
        ("clock", lambda: _clock(bridge, config)),
        ("news", lambda: _news(bridge, config)),
        ("contract", lambda: _contract(bridge, symbol)),
        ("history", lambda: _history(bridge, symbol)),
        ("market data", lambda: _market_data(bridge, config, symbol)),
    ]
    if running:
        checks.append(("protection", _watched_by_the_engine))
    else:
        checks.append(("protection", lambda: _protection(bridge)))
    return checks


async def _account(bridge: IBKRBridge, config: Config, folder: StateFolder) -> Finding:
    account = prove_account(config, bridge.managed_accounts, folder)
    values = {value.tag: value for value in await bridge.fetch_account_summary() if value.account in (account, "All")}
    worth = values.get("NetLiquidation")
    return Finding("account", Grade.OK, f"{account}" + (f", worth {worth.value} {worth.currency}" if worth else ""))


async def _clock(bridge: IBKRBridge, config: Config) -> Finding:
    if config.clock.kind == "scaled":
        return await _rate(bridge, config.clock.rate)
    if config.clock.kind != "wall":
        return Finding("clock", Grade.OK, f"market time is {config.clock.kind}: not compared with this machine's")
    skew_s = (datetime.now(UTC) - await bridge.fetch_current_time()).total_seconds()
    if abs(skew_s) > MOST_SKEW_S:
        advice = (
            "synchronise this machine's clock (NTP): ages of news and quotes are judged by it; a simulated gateway has "
            "a time of its own and wants config/sim.yaml"
        )
        return Finding("clock", Grade.PROBLEM, f"{skew_s:+.1f} s from the gateway's", advice)
    return Finding("clock", Grade.OK, f"{skew_s:+.1f} s from the gateway's, to the second")


async def _rate(bridge: IBKRBridge, rate: float) -> Finding:
    """Market seconds a second, as the gateway tells them: to the second, so that only another rate stands out."""
    before, began = await bridge.fetch_current_time(), perf_counter()
    await asyncio.sleep(RATE_LOOK_S)
    passed_s = (await bridge.fetch_current_time() - before).total_seconds()
    elapsed_s = perf_counter() - began
    if abs(passed_s - rate * elapsed_s) > 1.5 + 0.6 * rate * elapsed_s:
        found = (
            f"the gateway's market runs {passed_s / elapsed_s:.0f} times as fast as the wall, clock.rate is {rate:g}"
        )
        return Finding("clock", Grade.WARNING, found, "set clock.rate to the gateway's --speed: headlines age by it")
    return Finding("clock", Grade.OK, f"market time is scaled by {rate:g}, as the gateway's")


async def _news(bridge: IBKRBridge, config: Config) -> Finding:
    entitled = {provider.code for provider in await bridge.fetch_news_providers()}
    missing = [code for code in config.news.broad_tapes if code not in entitled]
    text = f"entitled to {', '.join(sorted(entitled)) or 'nothing'}"
    if set(config.news.broad_tapes) <= set(missing):
        advice = "subscribe to API news in Client Portal; without a tape no headline ever arrives"
        return Finding("news", Grade.PROBLEM, text, advice)
    if missing:
        return Finding("news", Grade.WARNING, text, f"not entitled to {', '.join(missing)} of news.broad_tapes")
    return Finding("news", Grade.OK, text)


async def _contract(bridge: IBKRBridge, symbol: str) -> Finding:
    details = await bridge.fetch_contract_details(Contract(symbol))
    known = details[0].contract
    return Finding("contract", Grade.OK, f"{symbol} is con_id {known.con_id} on {known.primary_exchange}")


async def _history(bridge: IBKRBridge, symbol: str) -> Finding:
    """Baselines need minutes; the first bars of a watch need 5 s bars, and those an entitlement of their own."""
    contract = (await bridge.fetch_contract_details(Contract(symbol)))[0].contract
    minutes = await bridge.fetch_historical_data(contract, None, "2 D", "1 min")
    try:
        recent = await bridge.fetch_historical_data(contract, None, "1800 S", "5 secs", "TRADES", False)
    except NoData:
        recent = ()  # nothing has traded: a weekend
    return Finding("history", Grade.OK, f"{len(minutes)} minutes of 2 days, {len(recent)} bars of 5 s")


async def _market_data(bridge: IBKRBridge, config: Config, symbol: str) -> Finding:
    contract = (await bridge.fetch_contract_details(Contract(symbol)))[0].contract
    quote = await _first_quote(bridge, contract)
    now = datetime.now(UTC)
    session = session_at(now, config.calendar)
    if quote is None:
        advice = "subscribe to the US equity bundle for API use; another login may hold it (10197)"
        if config.clock.kind == "wall" and not (session and session.contains(now)):
            return Finding("market data", Grade.WARNING, f"no quote of {symbol}: the market is closed", "look in hours")
        return Finding("market data", Grade.PROBLEM, f"no quote of {symbol} in {TICK_PATIENCE_S:g} s", advice)
    text = f"{symbol} {quote.bid:g} x {quote.ask:g}, {quote.data_type.name.lower()}"
    if quote.data_type is not MarketDataType.LIVE:
        return Finding("market data", Grade.PROBLEM, text, "only live data may open a position: subscribe to it")
    return Finding("market data", Grade.OK, text)


async def _first_quote(bridge: IBKRBridge, contract: Contract) -> Quote | None:
    stream = bridge.stream_quotes(contract)
    try:
        async with asyncio.timeout(TICK_PATIENCE_S):
            async for quote in stream:
                if quote.bid > 0 and quote.ask > 0:
                    return quote
    except TimeoutError:
        return None
    finally:
        await stream.aclose()
    return None


async def _protection(bridge: IBKRBridge) -> Finding:
    """No position may rest without a stop: it is the first thing a night can punish."""
    held = {position.contract: position.quantity for position in await bridge.fetch_positions() if position.quantity}
    stops = [order for order in await bridge.fetch_open_orders() if order.request.order_type in STOPS]
    bare = []
    for contract, quantity in held.items():
        side = OrderAction.SELL if quantity > 0 else OrderAction.BUY
        own = (order for order in stops if order.contract.con_id == contract.con_id and order.request.action is side)
        if sum(order.request.quantity - order.filled for order in own) < abs(quantity):
            bare.append(f"{contract} ({quantity:f})")
    if bare:
        advice = "a session adopts what it opened itself; close or protect the others by hand"
        return Finding("protection", Grade.WARNING, f"without a stop of this client: {', '.join(bare)}", advice)
    return Finding(
        "protection", Grade.OK, f"{len(held)} positions, each with a resting stop" if held else "nothing held"
    )


async def _watched_by_the_engine() -> Finding:
    return Finding("protection", Grade.OK, "a session is running on this account: its engine watches the positions")
