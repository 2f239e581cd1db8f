"""The doctor's checks that ask the gateway, all at once: each finding comes as soon as those before it are there.

None of them places or changes an order; what an order would do is asked by a what-if.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from decimal import Decimal
from time import perf_counter, time
from typing import Any

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import Config
from momentum_kit.errors import MomentumKitError, NoData, RequestFailed, RequestTimeout
from momentum_kit.models import Contract, OrderAction, OrderRequest
from momentum_kit.runtime.doctor.finding import Finding, Grade
from momentum_kit.runtime.doctor.market_checks import Heard, farms, market_data
from momentum_kit.runtime.doctor.settings_checks import gateway_settings
from momentum_kit.runtime.ownership import StateFolder, prove_account

MOST_SKEW_MS, NOTED_SKEW_MS = 2_000.0, 500.0
CLOCK_LOOKS = 5
RATE_LOOK_S = 1.0
TAPE_PATIENCE_S = 1.5  # a provider that this user may not read is refused within milliseconds
STOPS = frozenset({"STP", "STP LMT", "TRAIL"})
PRESETS = frozenset({109, 383, 451})


class GatewayLook:
    """One look at a connected gateway. running: a session owns the account, and its engine watches the positions."""

    def __init__(
        self, bridge: IBKRBridge, config: Config, folder: StateFolder, *, symbol: str, running: bool, heard: Heard
    ) -> None:
        self._bridge = bridge
        self._config = config
        self._folder = folder
        self._symbol = symbol
        self._running = running
        self._heard = heard
        self._stock: asyncio.Task[Contract]
        self._trading: asyncio.Task[list[Finding]]

    async def findings(self, deadline: float) -> AsyncIterator[Finding]:
        """In the order in which a session would need them; what is not answered by `deadline` (loop time) says so."""
        self._stock = asyncio.create_task(self._find_stock())
        self._trading = asyncio.create_task(self._safely("orders", self._orders()))
        checks: dict[str, Coroutine[Any, Any, Finding | list[Finding]]] = {
            "account": self._account(),
            "clock": self._clock(),
            "settings": gateway_settings(self._bridge),
            "news": self._news(),
            "contract": self._contract(),
            "history": self._history(),
            "market data": self._market_data(),
        }
        tasks = {name: asyncio.create_task(self._safely(name, check)) for name, check in checks.items()}
        tasks |= {"orders": self._trading, "protection": asyncio.create_task(self._safely("protection", self._kept()))}
        try:
            for name, task in tasks.items():
                for finding in await self._in_time(name, task, deadline):
                    yield finding
                if name == "market data":
                    yield farms(self._bridge)
        finally:
            for other in (*tasks.values(), self._stock):
                other.cancel()
            await asyncio.gather(*tasks.values(), self._stock, return_exceptions=True)

    async def _in_time(self, name: str, task: "asyncio.Task[list[Finding]]", deadline: float) -> list[Finding]:
        done, _ = await asyncio.wait((task,), timeout=max(deadline - asyncio.get_running_loop().time(), 0.0))
        if done:
            return task.result()
        return [Finding(name, Grade.PROBLEM, "no answer in the time of this look", self._why())]

    async def _safely(self, name: str, check: Awaitable[Finding | list[Finding]]) -> list[Finding]:
        try:
            found = await check
        except (RequestTimeout, TimeoutError) as error:
            return [Finding(name, Grade.PROBLEM, str(error), self._why())]
        except RequestFailed as error:
            return [Finding(name, Grade.PROBLEM, str(error), "" if error.advice else self._why())]
        except MomentumKitError as error:
            return [Finding(name, Grade.PROBLEM, str(error))]
        return found if isinstance(found, list) else [found]

    def _why(self) -> str:
        down = [farm for farm, state in self._bridge.health.farms.items() if state == "down"]
        if down:
            return f"see farms: {', '.join(sorted(down))} is broken"
        return "the gateway answers other questions: look again, and if it stays silent restart it"

    # -- account and clock --------------------------------------------------------------------------------------------

    async def _account(self) -> Finding:
        account = prove_account(self._config, self._bridge.managed_accounts, self._folder)
        lines = await self._bridge.fetch_account_summary()
        worth = {line.tag: line for line in lines if line.account in (account, "All")}.get("NetLiquidation")
        return Finding("account", Grade.OK, f"{account}" + (f", worth {worth.value} {worth.currency}" if worth else ""))

    async def _clock(self) -> Finding:
        config = self._config
        if config.clock.kind == "scaled":
            return await _rate(self._bridge, config.clock.rate)
        if config.clock.kind != "wall":
            return Finding("clock", Grade.OK, f"market time is {config.clock.kind}: not compared with this machine's")
        ahead_ms, give_ms = await _offset(self._bridge)
        found = f"{ahead_ms:+,.0f} ms from the gateway's, to {give_ms:,.0f} ms"
        advice = (
            "synchronise this machine's clock (NTP): ages of news and quotes are judged by it; a simulated gateway has "
            "a time of its own and wants config/sim.yaml"
        )
        if abs(ahead_ms) > MOST_SKEW_MS + give_ms:
            return Finding("clock", Grade.PROBLEM, found, advice)
        if abs(ahead_ms) > NOTED_SKEW_MS + give_ms:
            return Finding("clock", Grade.WARNING, found, advice)
        return Finding("clock", Grade.OK, found)

    # -- news ---------------------------------------------------------------------------------------------------------

    async def _news(self) -> Finding:
        entitled = {provider.code for provider in await self._bridge.fetch_news_providers()}
        wanted = self._config.news.broad_tapes
        refused = [code for code in wanted if code not in entitled]
        listed = [code for code in wanted if code in entitled]
        opened = await asyncio.gather(*(self._opens(code) for code in listed))
        refused += [code for code, opens in zip(listed, opened, strict=True) if not opens]
        text = f"this username may read {', '.join(sorted(entitled)) or 'nothing'}"
        advice = (
            "news belong to the username that subscribed, not to the account: subscribe to API news for the very "
            "username that the gateway is logged in with (Client Portal, Settings, Market Data Subscriptions)"
        )
        if refused and len(refused) == len(wanted):
            missing = f"; none of news.broad_tapes ({', '.join(wanted)})"
            return Finding("news", Grade.PROBLEM, text + missing, f"without a tape no headline ever arrives; {advice}")
        if refused:
            missing = f"; not {', '.join(refused)} of news.broad_tapes"
            return Finding("news", Grade.WARNING, text + missing, advice)
        return Finding("news", Grade.OK, f"{text}; {', '.join(wanted) or 'no tape'} opened")

    async def _opens(self, code: str) -> bool:
        stream = self._bridge.stream_headlines(code)
        try:
            async with asyncio.timeout(TAPE_PATIENCE_S):
                await anext(stream)
        except TimeoutError:
            return True
        except RequestFailed:
            return False
        finally:
            await stream.aclose()
        return True

    # -- market -------------------------------------------------------------------------------------------------------

    async def _find_stock(self) -> Contract:
        return (await self._bridge.fetch_contract_details(Contract(self._symbol)))[0].contract

    async def _contract(self) -> Finding:
        known = await self._stock
        return Finding("contract", Grade.OK, f"{self._symbol} is con_id {known.con_id} on {known.primary_exchange}")

    async def _history(self) -> Finding:
        """Baselines need minutes; the first bars of a watch need 5 s bars, and those an entitlement of their own."""
        if (contract := await self._known()) is None:
            return _unasked("history")
        minutes = await self._bridge.fetch_historical_data(contract, None, "2 D", "1 min")
        try:
            recent = await self._bridge.fetch_historical_data(contract, None, "1800 S", "5 secs", "TRADES", False)
        except NoData:
            recent = ()  # nothing has traded: a weekend
        return Finding("history", Grade.OK, f"{len(minutes)} minutes of 2 days, {len(recent)} bars of 5 s")

    async def _market_data(self) -> Finding:
        if (contract := await self._known()) is None:
            return _unasked("market data")
        return await market_data(self._bridge, self._config, contract, self._heard)

    async def _known(self) -> Contract | None:
        """The stock; None where it could not be found, which its own check says."""
        await asyncio.wait((self._stock,))
        return None if self._stock.cancelled() or self._stock.exception() else self._stock.result()

    # -- orders -------------------------------------------------------------------------------------------------------

    async def _orders(self) -> Finding:
        """Whether an order would be taken: a what-if, which places nothing."""
        if (contract := await self._known()) is None:
            return _unasked("orders")
        order = OrderRequest(action=OrderAction.BUY, quantity=Decimal(1), order_type="MKT")
        try:
            preview = await self._bridge.fetch_what_if(contract, order)
        except RequestFailed as error:
            if error.code == 321 and "read-only" in error.text.lower():
                advice = "switch 'Read-Only API' off in Global Configuration, API, Settings, and restart the gateway"
                return Finding("orders", Grade.PROBLEM, f"no trading by API: {error.text} (321)", advice)
            grade = Grade.WARNING if error.code in PRESETS else Grade.PROBLEM
            return Finding("orders", grade, f"an order of 1 share would be refused: {error.text} ({error.code})",
                           error.advice)  # fmt: skip
        said = f"; IB warns: {preview.warning}" if preview.warning else ""
        text = f"an order of 1 share would be taken, for {preview.commission:.2f} {preview.currency}{said}"
        return Finding("orders", Grade.OK, text)

    async def _kept(self) -> Finding:
        """No position may rest without a stop: it is the first thing a night can punish."""
        if self._running:
            text = "a session is running on this account: its engine watches the positions"
            return Finding("protection", Grade.OK, text)
        await asyncio.wait((self._trading,))
        if any("(321)" in finding.found for finding in self._trading.result()):
            advice = "the gateway lists no orders in read-only mode: look at positions and stops yourself"
            return Finding("protection", Grade.ASK, "which positions have a resting stop cannot be seen", advice)
        return await _protection(self._bridge)


def _unasked(check: str) -> Finding:
    return Finding(check, Grade.WARNING, "not looked at", "the contract comes first")


async def _offset(bridge: IBKRBridge) -> tuple[float, float]:
    """Milliseconds by which this machine is ahead of the gateway, and give or take; the quickest of some answers."""
    looks = []
    for _ in range(CLOCK_LOOKS):
        before, began = time(), perf_counter()
        try:
            theirs, least_s = await bridge.fetch_current_time_millis(), 0.0
        except RequestFailed:  # a gateway of before, which tells whole seconds
            theirs, least_s = await bridge.fetch_current_time(), 0.5
        took_s = perf_counter() - began
        ahead_s = before + took_s / 2 - theirs.timestamp() - least_s
        looks.append((took_s / 2 + least_s, ahead_s))
    give_s, ahead_s = min(looks)
    return ahead_s * 1000, max(give_s * 1000, 1.0)


async def _rate(bridge: IBKRBridge, rate: float) -> Finding:
    """Market seconds a second, as the gateway tells them: to the second, so that only another rate stands out.

    Looked at for three market seconds at least, so that a market that stands still is told from one at this rate.
    """
    before, began = await bridge.fetch_current_time(), perf_counter()
    await asyncio.sleep(max(RATE_LOOK_S, 3.0 / rate))
    passed_s = (await bridge.fetch_current_time() - before).total_seconds()
    elapsed_s = perf_counter() - began
    if not passed_s:
        advice = "its day is over, or a session in lock-step moves it; start the simulated gateway anew"
        return Finding("clock", Grade.WARNING, f"the gateway's market stands still, clock.rate is {rate:g}", advice)
    if abs(passed_s - rate * elapsed_s) > 1.0 + 0.6 * rate * elapsed_s:
        found = (
            f"the gateway's market runs {passed_s / elapsed_s:.0f} times as fast as the wall, clock.rate is {rate:g}"
        )
        return Finding("clock", Grade.WARNING, found, "set clock.rate to the gateway's --speed: headlines age by it")
    return Finding("clock", Grade.OK, f"market time is scaled by {rate:g}, as the gateway's")


async def _protection(bridge: IBKRBridge) -> Finding:
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
