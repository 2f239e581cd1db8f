"""`momentum-kit doctor`: is this machine, this configuration and this gateway ready for a session? Nothing is traded.

Each check is one line: what was looked at, what was found, and what to do about it. Checks go on after a failure as
far as they can, so that one look shows everything that is wrong.
"""

import asyncio
import platform
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import Config, load_config
from momentum_kit.errors import MomentumKitError, NoData
from momentum_kit.models import Contract, MarketDataType, OrderAction, Quote
from momentum_kit.runtime.ownership import StateFolder, prove_account
from momentum_kit.sessions import NEW_YORK, exchange_day, session_at, session_on

LEAST_FREE_GB = 1.0
MOST_SKEW_S = 2.0
TICK_PATIENCE_S = 15.0
RATE_LOOK_S = 1.0
STOPS = frozenset({"STP", "STP LMT", "TRAIL"})
IBAPI_RANGE = ((10, 37), (10, 51))
STRANDING_KERNELS = ((7, 0), (7, 2))  # may take no cell any more (ipykernel#1529); seen with 7.2, not with 6.31 and 7.4


class Grade(StrEnum):
    """How a check ended. A problem keeps a session from starting or from being safe; a warning wants a look."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination; advice is empty where there is nothing to do."""

    check: str
    grade: Grade
    found: str
    advice: str = ""

    def __str__(self) -> str:
        text = f"{self.grade:<8} {self.check:<18} {self.found}"
        return f"{text}\n{'':<28}{self.advice}" if self.advice else text


async def examine(config_path: Path, project: Path, symbol: str = "AAPL", port: int | None = None) -> list[Finding]:
    """Every check, in the order in which a session would need them."""
    return [finding async for finding in examination(config_path, project, symbol, port)]


async def examination(config_path: Path, project: Path, symbol: str, port: int | None) -> AsyncIterator[Finding]:
    """As `examine`, each finding as soon as it is there; the gateway's answers take seconds."""
    yield _software()
    try:
        config = load_config(config_path, {"broker.port": port} if port else None)
    except MomentumKitError as error:
        yield Finding("configuration", Grade.PROBLEM, str(error), "correct the file, then look again")
        return
    yield Finding(
        "configuration", Grade.OK, f"{config_path}: {config.environment}, thresholds {config.thresholds.name}"
    )
    yield _disk(config, project)
    folder = StateFolder(config.owner_key)
    for finding in (*_latches(config, folder), _calendar(config)):
        yield finding
    running = folder.address() is not None
    broker = config.broker
    bridge = IBKRBridge(
        broker.host,
        broker.port,
        broker.client_id + (1 if running else 0),
        connect_timeout_s=broker.connect_timeout_s,
        request_timeout_s=broker.request_timeout_s,
    )
    try:
        await bridge.connect()
    except MomentumKitError as error:
        advice = "start TWS or IB Gateway, enable its API socket on this port, and trust 127.0.0.1"
        yield Finding("gateway", Grade.PROBLEM, str(error), advice)
        return
    try:
        served = f"server version {bridge.health.server_version}, accounts {', '.join(bridge.managed_accounts)}"
        yield Finding("gateway", Grade.OK, f"{broker.host}:{broker.port}: {served}")
        for check, look in _looks(bridge, config, folder, symbol, running=running):
            yield await _safely(check, look)
    finally:
        await bridge.disconnect()


def _looks(
    bridge: IBKRBridge, config: Config, folder: StateFolder, symbol: str, *, running: bool
) -> list[tuple[str, Callable[[], Awaitable[Finding]]]]:
    """What is asked of the gateway. Orders are this client's own: beside a running session its engine watches them."""
    looks: list[tuple[str, Callable[[], Awaitable[Finding]]]] = [
        ("account", lambda: _account(bridge, config, folder)),
        ("clock", lambda: _clock(bridge, config)),
        ("news", lambda: _news(bridge, config)),
        ("contract", lambda: _contract(bridge, symbol)),
        ("history", lambda: _history(bridge, symbol)),
        ("market data", lambda: _market_data(bridge, config, symbol)),
    ]
    if running:
        looks.append(("protection", _watched_by_the_engine))
    else:
        looks.append(("protection", lambda: _protection(bridge)))
    return looks


async def _safely(check: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await look()
    except MomentumKitError as error:
        return Finding(check, Grade.PROBLEM, str(error))


def _software() -> Finding:
    ibapi, kernel = version("ibapi-stable"), version("ipykernel")
    text = f"Python {platform.python_version()}, ibapi {ibapi}, ipykernel {kernel}, momentum-kit "
    text += version("momentum-kit")
    advice = []
    if not _within(ibapi, IBAPI_RANGE):
        advice.append("ibapi 10.37 to 10.51 is what the tests cover")
    if _within(kernel, STRANDING_KERNELS):
        advice.append(f"ipykernel {kernel} can stop taking cells for good (ipykernel#1529): install 7.4")
    return Finding("software", Grade.WARNING if advice else Grade.OK, text, "; ".join(advice))


def _within(installed: str, versions: tuple[tuple[int, int], tuple[int, int]]) -> bool:
    major, minor = installed.split(".")[:2]
    return versions[0] <= (int(major), int(minor)) <= versions[1]


def _disk(config: Config, project: Path) -> Finding:
    storage = config.storage
    for name in (storage.data_dir, storage.runs_dir, storage.logs_dir):
        folder = project / name
        probe = folder / ".doctor"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe.write_text("", encoding="utf-8")
            probe.unlink()
        except OSError as error:
            return Finding("disk", Grade.PROBLEM, f"{folder}: {error.strerror}", "make the folder writable")
    free_gb = shutil.disk_usage(project).free / 1e9
    if free_gb < LEAST_FREE_GB:
        advice = "free some space: a full disk stops entries (exits go on)"
        return Finding("disk", Grade.PROBLEM, f"{free_gb:.1f} GB free in {project}", advice)
    return Finding("disk", Grade.OK, f"{project} is writable, {free_gb:.0f} GB free")


def _latches(config: Config, folder: StateFolder) -> list[Finding]:
    found = []
    if reason := folder.killed:
        found.append(
            Finding("kill switch", Grade.PROBLEM, f"latched: {reason}", "look first, then: momentum-kit clear")
        )
    else:
        found.append(Finding("kill switch", Grade.OK, "not latched"))
    if config.needs_arming:
        try:
            folder.require_armed(config.broker.account)
            found.append(Finding("arming", Grade.OK, f"{config.broker.account} is armed"))
        except MomentumKitError as error:
            found.append(Finding("arming", Grade.WARNING, str(error)))
    return found


def _calendar(config: Config) -> Finding:
    now = datetime.now(UTC)
    session = session_at(now, config.calendar)
    if session and session.contains(now):
        text = f"{config.calendar} is open until {session.close.astimezone(NEW_YORK):%H:%M} New York"
        return Finding("calendar", Grade.OK, text)
    day = exchange_day(now) - timedelta(days=1)
    opens = now
    while opens <= now:
        day += timedelta(days=1)
        coming = session_on(day, config.calendar)
        opens = coming.open if coming else now
    text = f"{config.calendar} is closed; it opens {opens.astimezone(NEW_YORK):%A %d %B %H:%M} New York"
    return Finding("calendar", Grade.OK, text)


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
