"""`momentum-kit doctor --probe-paper`: asks a paper account what IB's documents leave open, and ends as it began.

It refuses to begin where anything is held or works, where an engine owns the account, outside regular hours, and on
every account that the configuration does not call paper or simulated. Each step is put to a person first. Whatever
happens, what it sent is cancelled at the end, and a share that it bought is sold or told of.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import Config
from momentum_kit.errors import GuardRefused, MomentumKitError, NotConnected, StorageError
from momentum_kit.models import Contract, OrderAction, OrderRequest, Quote
from momentum_kit.ports import OrderEvent
from momentum_kit.private_files import write_whole
from momentum_kit.runtime.ownership import StateFolder, prove_account
from momentum_kit.runtime.probe.answers import SwitchAnswer
from momentum_kit.runtime.probe.observed import save_observed
from momentum_kit.runtime.probe.orders import ProbeOrders
from momentum_kit.runtime.probe.steps import ROUND_TRIP, WITHOUT_A_FILL, Step
from momentum_kit.sessions import session_at

LEAST_BID_USD = 5.0  # below it a cent is no small step
RECONNECTS, RECONNECT_S = 3, 20.0
ID_PATIENCE_S = 3.0  # the gateway keeps an id for a moment after its connection broke
QUOTE_PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What came of a probe. problems: what it could not put right again; a human must look."""

    answers: tuple[SwitchAnswer, ...]
    problems: tuple[str, ...]
    file: Path


async def probe_paper(
    config: Config,
    *,
    symbol: str,
    file: Path,
    ask: Callable[[str], bool],
    tell: Callable[[str], None],
    with_fill: bool = False,
    quiet_s: float = 2.0,
    patience_s: float = 10.0,
) -> Probed:
    """Take the steps that `ask` lets pass, and write what they found to `file`, all that was heard beside it (.jsonl).

    ask: put each step to a person; it may take its time. quiet_s, patience_s: see ProbeOrders. A step that fails says
    so, and those after it go on; where the connection is lost, what was sent is cancelled over a new one. Raises
    GuardRefused where it may not begin, StorageError where the file could not be written.
    """
    if config.needs_arming:
        raise GuardRefused("the probe sends orders to find out what becomes of them: paper accounts only")
    _writable(file)
    folder = StateFolder.of(config)
    folder.create()
    with folder.own():
        probe = _Probe(config, folder, symbol=symbol, ask=ask, tell=tell, quiet_s=quiet_s, patience_s=patience_s)
        try:
            await probe.run((*WITHOUT_A_FILL, *((ROUND_TRIP,) if with_fill else ())))
        finally:
            for problem in probe.problems:
                tell(f"PROBLEM: {problem}")
            if probe.account:
                save_observed(
                    file, probe.answers, at=datetime.now(UTC), server_version=probe.server_version, symbol=symbol,
                    account=probe.account,
                )  # fmt: skip
                write_whole(file.with_suffix(".jsonl"), "".join(f"{event!r}\n" for event in probe.heard))
        return Probed(answers=tuple(probe.answers), problems=tuple(probe.problems), file=file)


class _Probe:
    """One probe: its answers and what went wrong, whatever becomes of it."""

    def __init__(
        self,
        config: Config,
        folder: StateFolder,
        *,
        symbol: str,
        ask: Callable[[str], bool],
        tell: Callable[[str], None],
        quiet_s: float,
        patience_s: float,
    ) -> None:
        self.answers: list[SwitchAnswer] = []
        self.problems: list[str] = []
        self.heard: list[OrderEvent] = []
        self.account = ""
        self.server_version = 0
        self._config = config
        self._folder = folder
        self._symbol = symbol
        self._ask = ask
        self._tell = tell
        self._quiet_s, self._patience_s = quiet_s, patience_s
        self._quote: Quote
        self._contract: Contract

    async def run(self, steps: Sequence[Step]) -> None:
        """Ask and take each step; whatever happens, cancel what was sent."""
        sent: dict[int, OrderRequest] = {}
        try:
            async with self._client(self._config.broker.client_id) as orders:
                orders.sent = sent
                for number, step in enumerate(steps, 1):
                    if not self._ask(f"{number}. {_words(step, self._quote)}"):
                        continue
                    await _may_go_on(orders.bridge, self._config)  # a person may have thought for an hour
                    self._quote = await _quote(orders.bridge, self._contract)
                    orders.price(self._quote)
                    await self._take(step, orders)
                await self._leave(orders)
        except NotConnected as error:
            self._tell(f"the connection was lost: {error}")
            await self._after_all(sent)
        except BaseException:
            await self._after_all(sent)
            raise

    async def _take(self, step: Step, orders: ProbeOrders) -> None:
        try:
            for each in await step.act(orders, self._client):
                self.answers.append(each)
                self._tell(str(each))
        except NotConnected:
            raise
        except MomentumKitError as error:
            self._tell(f"this step failed, and learnt nothing: {error}")

    async def _leave(self, orders: ProbeOrders) -> None:
        """Cancel what is left, sell what was bought by its own executions; note what could not be put right."""
        if left := await orders.clear():
            self.problems.append(f"orders {', '.join(map(str, left))} still work: cancel them in TWS")
        if await orders.bought() == 1 and not orders.sale_sent:
            sale = await orders.buy(action=OrderAction.SELL, order_type="MKT", limit_price=None)
            await orders.ear.until(lambda: orders.ear.status(sale) == "Filled", orders.patience_s)
            if left := await orders.clear():
                self.problems.append(f"the sale of the share that was bought still works: order {left[0]}")
        if held := await orders.bought():
            what = f"{held:f} shares were bought and not sold" if held > 0 else f"{-held:f} shares too many were sold"
            self.problems.append(f"{self._contract}: {what}: look at the account in TWS")

    async def _after_all(self, sent: dict[int, OrderRequest]) -> None:
        """The same over a new connection: the old one is gone, or somebody broke off."""
        if not sent:
            return
        for _ in range(RECONNECTS):
            try:
                async with asyncio.timeout(RECONNECT_S), self._client(self._config.broker.client_id) as orders:
                    orders.sent = sent
                    await self._leave(orders)
                    return
            except (MomentumKitError, TimeoutError) as error:
                why = str(error) or "no answer"
                await asyncio.sleep(self._quiet_s)
        orders_sent = ", ".join(map(str, sorted(sent)))
        self.problems.append(
            f"how it ended is not known ({why}): look in TWS for orders {orders_sent} of {self._symbol}"
        )

    @asynccontextmanager
    async def _client(self, client_id: int) -> AsyncIterator[ProbeOrders]:
        """A client of the gateway and its orders. The first one looks whether the probe may begin."""
        broker, clock, first = self._config.broker, self._config.clock, not self.account
        async with IBKRBridge(
            broker.host,
            broker.port,
            client_id,
            connect_timeout_s=broker.connect_timeout_s,
            client_id_patience_s=ID_PATIENCE_S,
        ) as bridge:
            if first:
                await self._begin(bridge)
            orders = ProbeOrders(
                bridge, self._contract, self.account, client_id=client_id, quiet_s=self._quiet_s,
                patience_s=self._patience_s, rate=clock.rate if clock.kind == "scaled" else 1.0,
            )  # fmt: skip
            orders.price(self._quote)
            try:
                yield orders
            finally:
                if client_id != broker.client_id:
                    await self._clear_other(orders)
                self.heard += orders.ear.heard
                await orders.close()

    async def _clear_other(self, orders: ProbeOrders) -> None:
        """Cancel what another client of the probe has sent, however its step ended."""
        try:
            left = await orders.clear()
        except MomentumKitError:
            left = sorted(orders.sent)
        if left:
            self.problems.append(f"orders {left} of client {orders.client_id} may still work: cancel them in TWS")

    async def _begin(self, bridge: IBKRBridge) -> None:
        account = prove_account(self._config, bridge.managed_accounts, self._folder)
        self._contract = (await bridge.fetch_contract_details(Contract(self._symbol)))[0].contract
        await _may_go_on(bridge, self._config)
        if held := [row for row in await bridge.fetch_positions() if row.quantity]:
            raise GuardRefused(f"the probe begins with nothing held: {', '.join(str(row.contract) for row in held)}")
        if working := await bridge.fetch_all_open_orders():
            raise GuardRefused(f"the probe begins with nothing working: {len(working)} orders of this account do")
        self._quote = await _quote(bridge, self._contract)
        self.account, self.server_version = account, bridge.health.server_version


def _writable(file: Path) -> None:
    """Refuse a file that could not be written at the end, before anything is sent."""
    folder = file.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK) or file.is_dir():
        raise StorageError(f"{file}: can not be written there; choose another file")


async def _may_go_on(bridge: IBKRBridge, config: Config) -> None:
    now = await bridge.fetch_current_time()
    session = session_at(now, config.calendar)
    if session is None or not session.open <= now < session.close:
        raise GuardRefused("the probe asks in regular hours alone: orders wait outside them, and tell something else")


async def _quote(bridge: IBKRBridge, contract: Contract) -> Quote:
    """The first with both sides."""
    unknown = GuardRefused(f"{contract}: no bid of {LEAST_BID_USD:g} USD and ask within {QUOTE_PATIENCE_S:g} s")
    try:
        async with asyncio.timeout(QUOTE_PATIENCE_S), aclosing(bridge.stream_quotes(contract)) as quotes:
            async for quote in quotes:
                if LEAST_BID_USD <= quote.bid < quote.ask and not quote.halted:
                    return quote
    except TimeoutError:
        raise unknown from None
    raise unknown


def _words(step: Step, quote: Quote) -> str:
    if step is not ROUND_TRIP:
        return step.words
    spread = quote.ask - quote.bid
    worst = spread + 0.01 * quote.ask + 2.0
    return f"{step.words}: the spread of {spread:.2f} and two commissions; {worst:.2f} USD if it moves 1% against you"
