"""FundsWatch: what the account can pay with, asked for beside the work; the entry gate uses what was told last."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import structlog

from momentum_kit.errors import BrokerError
from momentum_kit.models import AccountValue, Beat
from momentum_kit.ports import Broker
from momentum_kit.services.consuming import consume
from momentum_kit.services.context import SessionContext

log = structlog.get_logger("funds")

EVERY_S = 60.0  # market seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """One answer, USD; nan where it names no such amount in USD. named: the account was among those told.

    elapsed_s: when it was asked for, by the clock's elapsed seconds; what was ordered later is not in it.
    """

    available_usd: float
    settled_usd: float
    named: bool
    elapsed_s: float


class FundsWatch:
    """Asks for the account summary once a minute. A question without an answer keeps nothing and nobody waiting."""

    def __init__(self, context: SessionContext, *, broker: Broker, beats: "asyncio.Queue[Beat]") -> None:
        self._context = context
        self._broker = broker
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
        self._told = read_funds(lines, self._context.account, elapsed_s)


def read_funds(lines: Iterable[AccountValue], account: str, elapsed_s: float) -> Funds:
    """The account's lines of a summary; an answer without a line says nothing on whose it is."""
    told = list(lines)
    own = [line for line in told if line.account == account]
    return Funds(
        available_usd=_usd(own, "AvailableFunds"),
        settled_usd=_usd(own, "SettledCash"),
        named=bool(own) or not told,
        elapsed_s=elapsed_s,
    )


def _usd(lines: Iterable[AccountValue], tag: str) -> float:
    for line in lines:
        if line.tag == tag and line.currency == "USD":  # IB tells amounts in the account's own currency
            try:
                value = float(line.value)
            except ValueError:
                return math.nan
            return value if abs(value) < 1e300 else math.nan  # IB's "unset" is the largest double
    return math.nan
