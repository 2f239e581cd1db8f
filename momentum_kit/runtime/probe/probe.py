"""`momentum-kit doctor --probe-paper`: asks a paper account what IB's documents leave open, and ends as it began.

It refuses to begin where anything is held or works, where an engine owns the account, outside regular hours, and on
every account that the configuration does not call paper or simulated. Each step is put to a person first. Whatever
happens, what it sent is cancelled at the end, and a share that it bought is sold or told of.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import Config
from momentum_kit.errors import BrokerError, GuardRefused, MomentumKitError
from momentum_kit.models import Contract, OrderAction, Quote
from momentum_kit.private_files import write_whole
from momentum_kit.runtime.ownership import StateFolder, prove_account
from momentum_kit.runtime.probe.answers import Answer
from momentum_kit.runtime.probe.observed import save_observed
from momentum_kit.runtime.probe.orders import ProbeOrders, position
from momentum_kit.runtime.probe.steps import ROUND_TRIP, WITHOUT_A_FILL, Step
from momentum_kit.sessions import session_at

QUOTE_PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What came of a probe. problems: what it could not put right again; a human must look."""

    answers: tuple[Answer, ...]
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

    ask: put each step to a person. quiet_s, patience_s: see ProbeOrders. Raises GuardRefused where it may not begin.
    """
    if config.needs_arming:
        raise GuardRefused("the probe sends orders to find out what becomes of them: paper accounts only")
    folder, broker = StateFolder.of(config), config.broker
    folder.create()
    with folder.own():
        bridge = IBKRBridge(broker.host, broker.port, broker.client_id, connect_timeout_s=broker.connect_timeout_s)
        async with bridge:
            account = prove_account(config, bridge.managed_accounts, folder)
            contract = (await bridge.fetch_contract_details(Contract(symbol)))[0].contract
            await _may_begin(bridge, config)
            quote = await _quote(bridge, contract)

            @asynccontextmanager
            async def orders_of(client: IBKRBridge, client_id: int) -> AsyncIterator[ProbeOrders]:
                orders = ProbeOrders(
                    client, contract, account, client_id=client_id, bid=quote.bid, ask=quote.ask, quiet_s=quiet_s,
                    patience_s=patience_s,
                )  # fmt: skip
                try:
                    yield orders
                finally:
                    await orders.close()

            @asynccontextmanager
            async def other(client_id: int) -> AsyncIterator[ProbeOrders]:
                client = IBKRBridge(broker.host, broker.port, client_id, connect_timeout_s=broker.connect_timeout_s)
                async with client, orders_of(client, client_id) as orders:
                    try:
                        yield orders
                    finally:
                        await orders.clear()

            async with orders_of(bridge, broker.client_id) as orders:
                answers: list[Answer] = []
                try:
                    steps = (*WITHOUT_A_FILL, *((ROUND_TRIP,) if with_fill else ()))
                    for number, step in enumerate(steps, 1):
                        if not ask(f"{number}. {_words(step, quote)}"):
                            continue
                        for each in await step.act(orders, other):
                            answers.append(each)
                            tell(str(each))
                finally:
                    problems = await _as_it_was(orders, account)
                    _write_heard(file, orders)
                save_observed(
                    file, answers, at=await bridge.fetch_current_time(), server_version=bridge.health.server_version,
                    symbol=symbol, account=account,
                )  # fmt: skip
                return Probed(answers=tuple(answers), problems=tuple(problems), file=file)


async def _may_begin(bridge: IBKRBridge, config: Config) -> None:
    now = await bridge.fetch_current_time()
    session = session_at(now, config.calendar)
    if session is None or not session.open <= now < session.close:
        raise GuardRefused("the probe asks in regular hours alone: orders wait outside them, and tell something else")
    if held := [row for row in await bridge.fetch_positions() if row.quantity]:
        raise GuardRefused(f"the probe begins with nothing held: {', '.join(str(row.contract) for row in held)}")
    if working := await bridge.fetch_open_orders():
        raise GuardRefused(f"the probe begins with nothing working: {len(working)} orders of this client do")


async def _quote(bridge: IBKRBridge, contract: Contract) -> Quote:
    """The first with both sides."""
    unknown = GuardRefused(f"{contract}: no bid and ask within {QUOTE_PATIENCE_S:g} s: what is far away is not known")
    try:
        async with asyncio.timeout(QUOTE_PATIENCE_S), aclosing(bridge.stream_quotes(contract)) as quotes:
            async for quote in quotes:
                if 0 < quote.bid < quote.ask and not quote.halted:
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


async def _as_it_was(orders: ProbeOrders, account: str) -> list[str]:
    """Cancel what is left and sell what was bought; what could not be put right, in words."""
    problems = []
    try:
        if left := await orders.clear():
            problems.append(f"orders {', '.join(map(str, left))} still work: cancel them in TWS")
        if held := await position(orders.bridge, orders.contract, account):
            if held == 1:
                sale = await orders.buy(
                    action=OrderAction.SELL, order_type="MKT", limit_price=None, quantity=Decimal(1)
                )
                await orders.ear.until(lambda: orders.ear.status(sale) == "Filled", orders.patience_s)
            if held := await position(orders.bridge, orders.contract, account):
                problems.append(f"{held:f} shares of {orders.contract} are held: sell them in TWS")
    except (BrokerError, MomentumKitError) as error:
        problems.append(f"how it ended is not known ({error}): look in TWS for orders and shares of {orders.contract}")
    return problems


def _write_heard(file: Path, orders: ProbeOrders) -> None:
    """Everything that was heard of the first client's orders, a line each."""
    write_whole(file.with_suffix(".jsonl"), "".join(f"{event!r}\n" for event in orders.ear.heard))
