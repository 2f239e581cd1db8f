"""FundsWatch: what the account can pay with, asked for beside the work; the entry gate uses what was told last."""

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import structlog

from momentum_kit.errors import BrokerError
from momentum_kit.models import AccountValue, Beat
from momentum_kit.ports import Broker
from momentum_kit.services.consuming import consume
from momentum_kit.services.context import SessionContext
from momentum_kit.sessions import exchange_day
from momentum_kit.trading import FillCosts

log = structlog.get_logger("funds")

EVERY_S = 60.0  # market seconds
UNSET = 1e300  # IB writes the largest double for what it does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """One answer, USD; nan where it names no amount, or one in a currency without a rate.

    named: the account was among those told. elapsed_s: when it was asked for, by the clock's elapsed seconds; what was
    ordered later is not in it. currency: of the account's own amounts, '' where unknown.
    """

    available_usd: float
    settled_usd: float
    named: bool
    elapsed_s: float
    currency: str = ""


class FundsWatch:
    """Asks for the account summary once a minute. A question without an answer keeps nothing and nobody waiting."""

    def __init__(
        self, context: SessionContext, *, broker: Broker, costs: FillCosts, beats: "asyncio.Queue[Beat]"
    ) -> None:
        self._context = context
        self._broker = broker
        self._costs = costs
        self._beats = beats
        self._told: Funds | None = None
        self._asked_s = -math.inf
        self._asking: asyncio.Task[None] | None = None

    def latest(self) -> Funds | None:
        """What was told last; None before the first answer."""
        return self._told

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            await consume(self._beats, partial(self._on_beat, group))

    async def _on_beat(self, group: asyncio.TaskGroup, _: Beat) -> None:
        elapsed_s = self._context.clock.elapsed()
        if elapsed_s - self._asked_s < EVERY_S or (self._asking is not None and not self._asking.done()):
            return
        self._asked_s = elapsed_s
        self._asking = group.create_task(self._ask(), name="account summary")
        await asyncio.sleep(0)  # the question is out before this beat is done

    async def _ask(self) -> None:
        elapsed_s = self._context.clock.elapsed()
        try:
            lines = await self._broker.fetch_account_summary()
        except BrokerError as error:  # the older answer stands and ages
            log.warning("no account summary", error=str(error))
            return
        usd_per = partial(self._costs.usd_per, on=exchange_day(self._context.clock.now()))
        self._told = read_funds(lines, self._context.account, elapsed_s, usd_per)


def read_funds(lines: Iterable[AccountValue], account: str, elapsed_s: float, usd_per: Callable[[str], float]) -> Funds:
    """The account's lines of a summary; an answer without a line says nothing on whose it is.

    usd_per: of one unit of a currency, nan where no rate is known; IB tells amounts in the account's own.
    """
    told = list(lines)
    own = [line for line in told if line.account == account]
    return Funds(
        available_usd=_usd(own, "AvailableFunds", usd_per),
        settled_usd=_usd(own, "SettledCash", usd_per),
        named=bool(own) or not told,
        elapsed_s=elapsed_s,
        currency=next((line.currency for line in own if line.tag == "AvailableFunds"), ""),
    )


def _usd(lines: Iterable[AccountValue], tag: str, usd_per: Callable[[str], float]) -> float:
    for line in lines:
        if line.tag == tag:
            try:
                value = float(line.value)
            except ValueError:
                return math.nan
            return (
                value * usd_per(line.currency) if abs(value) < 1e300 else math.nan
            )  # IB's "unset": the largest double
    return math.nan
