"""The doctor's look at market data: live, delayed, not subscribed, taken by another login, or silent, and its farms."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

from momentum_kit.bridge import IBKRBridge, Stream
from momentum_kit.config import Config
from momentum_kit.errors import RequestFailed
from momentum_kit.models import Contract, LinkState, MarketDataType, Quote
from momentum_kit.runtime.doctor.finding import Finding, Grade
from momentum_kit.sessions import session_at

TICK_PATIENCE_S = 8.0
DELAYED_PATIENCE_S = 4.0
NOT_SUBSCRIBED = frozenset({354, 10090, 10091, 10168, 10186, 10187, 10189})
SUBSCRIBE = (
    "subscribe to the US equity bundle for this username in Client Portal, Settings, Market Data Subscriptions, and "
    "sign the API agreement there"
)


@dataclass(slots=True)
class Heard:
    """What the bridge told a person while the doctor looked; `more` is set by each word."""

    said: list[tuple[str, str]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, kind: str, text: str) -> None:
        """One incident."""
        self.said.append((kind, text))
        self.more.set()

    def of(self, kind: str) -> str:
        """The first of its kind, '' if there is none."""
        return next((text for each, text in self.said if each == kind), "")


async def market_data(bridge: IBKRBridge, config: Config, contract: Contract, heard: Heard) -> Finding:
    """Which kind of data comes, and if none does, why."""
    try:
        quote, taken = await _first_quote(bridge, contract, heard, TICK_PATIENCE_S)
        if quote is None and "10089" in heard.of("subscription"):
            return await _delayed(bridge, contract, heard)
    except RequestFailed as error:
        if error.code in NOT_SUBSCRIBED:
            return Finding("market data", Grade.PROBLEM, f"no subscription: {error.text} ({error.code})", SUBSCRIBE)
        return Finding("market data", Grade.PROBLEM, f"refused: {error.text} ({error.code})", error.advice)
    symbol = contract.symbol
    if taken:
        advice = (
            "another login of this user (TWS, mobile, another gateway) has the live data: log it out, or trade with a "
            "username of its own; IB may hold the data back for some 15 minutes"
        )
        return Finding("market data", Grade.PROBLEM, "taken by another login of this user (10197)", advice)
    if quote is not None:
        text = f"{symbol} {quote.bid:g} x {quote.ask:g}, {quote.data_type.name.lower()}"
        if quote.data_type is not MarketDataType.LIVE:
            return Finding("market data", Grade.PROBLEM, text, f"only live data may open a position: {SUBSCRIBE}")
        return Finding("market data", Grade.OK, text)
    return _silence(bridge, config, symbol)


def _silence(bridge: IBKRBridge, config: Config, symbol: str) -> Finding:
    down = [farm for farm in bridge.health.barring_farms if farm]
    if down:
        advice = "the line itself is not to blame: see farms"
        return Finding("market data", Grade.PROBLEM, f"no quote of {symbol}: {', '.join(down)} is broken", advice)
    now = datetime.now(UTC)
    session = session_at(now, config.calendar)
    if config.clock.kind == "wall" and not (session and session.contains(now)):
        return Finding("market data", Grade.WARNING, f"no quote of {symbol}: the market is closed", "look in hours")
    advice = "no farm is broken and nothing was refused: look again with --symbol SPY, then restart the gateway"
    return Finding("market data", Grade.PROBLEM, f"no quote of {symbol} in {TICK_PATIENCE_S:g} s", advice)


async def _delayed(bridge: IBKRBridge, contract: Contract, heard: Heard) -> Finding:
    """No live subscription: does delayed data come?"""
    await bridge.allow_data_type(MarketDataType.DELAYED)
    quote, _ = await _first_quote(bridge, contract, heard, DELAYED_PATIENCE_S)
    found = "no live subscription for API use (10089)"
    if quote is None:
        return Finding("market data", Grade.PROBLEM, f"{found}, and no delayed data either", SUBSCRIBE)
    text = f"{found}, only data of 15 minutes ago: {contract.symbol} {quote.bid:g} x {quote.ask:g}, delayed"
    return Finding("market data", Grade.PROBLEM, text, f"delayed data never opens a position: {SUBSCRIBE}")


async def _first_quote(
    bridge: IBKRBridge, contract: Contract, heard: Heard, patience_s: float
) -> tuple[Quote | None, bool]:
    """The first whole one, None where something was said that rules it out, or nothing came; and: has another it?"""
    stream = bridge.stream_quotes(contract)
    reading = asyncio.create_task(_whole_quote(stream))
    before = heard.of("subscription")
    try:
        async with asyncio.timeout(patience_s):
            while not reading.done():
                hearing = asyncio.create_task(heard.more.wait())
                await asyncio.wait((reading, hearing), return_when=asyncio.FIRST_COMPLETED)
                hearing.cancel()
                heard.more.clear()
                taken = bridge.health.competing_session
                if not reading.done() and (taken or ("10089" in heard.of("subscription") and not before)):
                    return None, taken
        return await reading, False
    except TimeoutError:
        return None, bridge.health.competing_session  # asked before the line is closed, which ends the conflict
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await stream.aclose()


async def _whole_quote(stream: Stream[Quote]) -> Quote | None:
    async for quote in stream:
        if quote.bid > 0 and quote.ask > 0:
            return quote
    return None


def farms(bridge: IBKRBridge) -> Finding:
    """Every data farm that the gateway named, after all else was asked: a broken one explains other findings."""
    states = bridge.health.farms
    down = sorted(name for name, state in states.items() if state is LinkState.DOWN)
    if not states:
        return Finding("farms", Grade.WARNING, "the gateway named none", "it may still be logging in: look again")
    if not down:
        asleep = sorted(name for name, state in states.items() if state is LinkState.UNKNOWN)
        sleeping = f"; asleep until asked: {', '.join(asleep)}" if asleep else ""
        return Finding("farms", Grade.OK, f"{len(states)} farms, none broken{sleeping}")
    barring = [name for name in down if name in bridge.health.barring_farms]
    rest = "orders and stops are not affected; look at IB's system status, and if it lasts restart the gateway"
    if barring:
        return Finding("farms", Grade.PROBLEM, f"broken: {', '.join(down)}", f"IB's side: no entries, but {rest}")
    return Finding(
        "farms", Grade.WARNING, f"broken: {', '.join(down)}", f"IB's side: history or definitions wait; {rest}"
    )
