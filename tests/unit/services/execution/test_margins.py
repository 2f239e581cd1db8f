"""Margin by what-if: asked beside the work when a symbol is first watched, read with care, and binding one way only."""

import asyncio
import math
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from momentum_kit.config import RiskSettings
from momentum_kit.errors import NotConnected, RequestFailed, RequestTimeout
from momentum_kit.models import Beat, OrderAction
from momentum_kit.services import PriceRules
from momentum_kit.services.execution import MarginWatch
from momentum_kit.services.execution.funds import Funds
from momentum_kit.services.execution.margins import MarginTerms
from momentum_kit.trading import FillCosts
from tests.helpers.broker_in_memory import MemoryBroker, TestClock, contract_of, preview_of, quote_of
from tests.helpers.contexts import context_of
from tests.helpers.journal_rows import Rows
from tests.helpers.trading_desk import trading_desk

REFUSED = RequestFailed(201, "Order rejected - reason:No trading permission")


class Watching:
    """A watch over what the test says is watched; its market and its clock."""

    def __init__(self, currency="USD", **risk):
        self.clock, self.rows, self.quotes = TestClock(), Rows(), {}
        self.broker = MemoryBroker(self.clock)
        self.rules = PriceRules(self.broker)
        self.beats = asyncio.Queue()
        self.watch = MarginWatch(
            context_of(clock=self.clock, account="DU1", journal=self.rows), broker=self.broker, rules=self.rules,
            risk=RiskSettings(**risk), costs=FillCosts(), watched=lambda: [contract_of(each) for each in self.quotes],
            quote=self.quotes.get, currency=lambda: currency, beats=self.beats,
        )  # fmt: skip

    async def see(self, con_id, ask=5.0):
        """Watched, quoted, and its price grid known."""
        await self.rules.learn(contract_of(con_id))
        self.quotes[con_id] = quote_of(con_id, ask - 0.01, ask)

    async def beat(self, seconds=1.0):
        """Market time passes; what can be answered is."""
        self.clock.time += timedelta(seconds=seconds)
        self.beats.put_nowait(Beat(self.clock.now()))
        await asyncio.wait_for(self.beats.join(), 5)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    @property
    def asked(self):
        """Contracts, in the order in which they were asked about."""
        return [con_id for con_id, _ in self.broker.asked]


@asynccontextmanager
async def watching(**settings):
    """The watch at work."""
    it = Watching(**settings)
    task = asyncio.create_task(it.watch.run())
    try:
        yield it
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_one_order_like_the_largest_is_asked_about_and_none_is_placed():
    """A limit at the ask for what an order may cost, once a symbol and session; the journal has question and answer."""
    async with watching(max_order_notional_usd=4_000) as it:
        it.broker.previews[1] = 0.4
        await it.see(1)
        for _ in range(200):
            await it.beat()
        ((con_id, order),) = it.broker.asked
        assert (con_id, order.action, order.order_type) == (1, OrderAction.BUY, "LMT")
        assert (order.quantity, order.limit_price, order.account, order.outside_rth) == (
            Decimal(800),
            5.0,
            "DU1",
            False,
        )
        assert it.broker.sent == []
        assert it.watch.terms(1).rate == pytest.approx(0.4)
        (row,) = it.rows["margins"]
        assert (row["symbol"], row["quantity"], row["verdict"], row["currency"]) == ("SYM1", 800, "told", "USD")
        assert (row["margin"], row["rate"]) == (pytest.approx(1_600), pytest.approx(0.4))


@pytest.mark.parametrize(
    "margin", [math.nan, math.inf, -math.inf, 0.0, -500.0, 1.7976931348623157e308, 10_001.0], ids=str
)
async def test_what_is_no_margin_is_unknown_and_asked_again(margin):
    """IB's "unset", nothing, a relief, ten times the notional: never zero, and a minute later asked anew."""
    async with watching(max_order_notional_usd=1_000) as it:
        it.broker.previews[1] = preview_of(contract_of(1), margin)
        await it.see(1)
        await it.beat()
        assert math.isnan(it.watch.terms(1).rate)
        assert it.rows["margins"][0]["verdict"] == "unknown"
        await it.beat(58)
        assert it.asked == [1]
        it.broker.previews[1] = 1.0
        await it.beat(3)
        await it.beat()
        assert (it.asked, it.watch.terms(1).rate) == ([1, 1], 1.0)


@pytest.mark.parametrize(
    ("named", "account", "rate"), [("USD", "EUR", 0.5), ("", "USD", 0.5), ("CHF", "USD", math.nan), ("", "", math.nan)]
)
async def test_a_margin_is_of_its_own_currency(named, account, rate):
    """Where the answer names none the account's own counts; without a rate to USD it is unknown."""
    async with watching(currency=account, max_order_notional_usd=1_000) as it:
        it.broker.previews[1] = preview_of(contract_of(1), 500.0, named)
        await it.see(1)
        await it.beat()
        assert it.watch.terms(1).rate == pytest.approx(rate, nan_ok=True)


async def test_a_refusal_stands_until_the_broker_says_otherwise():
    """In IB's words; silence does not lift it, and it is asked about again each minute."""
    async with watching() as it:
        it.broker.previews[1] = REFUSED
        await it.see(1)
        await it.beat()
        assert it.watch.terms(1).refusal == "201: Order rejected - reason:No trading permission"
        it.broker.previews[1] = RequestTimeout("what-if")
        await it.beat(61)
        assert it.watch.terms(1).refusal
        it.broker.previews[1] = 1.0
        await it.beat(61)
        assert it.watch.terms(1) == MarginTerms(1.0)
        assert [row["verdict"] for row in it.rows["margins"]] == ["refused", "refused", "told"]


@pytest.mark.parametrize("error", [RequestTimeout("what-if"), NotConnected("away"), RequestFailed(110, "off the grid")])
async def test_what_is_no_refusal_bars_nothing(error):
    """A line that is away, silence, an order that was wrong in itself: unknown."""
    async with watching() as it:
        it.broker.previews[1] = error
        await it.see(1)
        await it.beat()
        assert it.watch.terms(1).refusal == ""
        assert math.isnan(it.watch.terms(1).rate)


async def test_a_question_that_hangs_holds_nothing_up():
    """One at a time: beats pass, no second question goes out beside it, and the others follow when it is answered."""
    async with watching() as it:
        hanging = it.broker.previews[1] = asyncio.Event()
        for con_id in (1, 2, 3):
            await it.see(con_id)
        for _ in range(100):
            await it.beat()
        assert (it.asked, it.watch.terms(1)) == ([1], None)
        hanging.set()
        await it.beat()
        await it.beat()
        await it.beat()
        assert it.asked == [1, 2, 3]


async def test_nothing_is_asked_before_there_is_a_price_and_a_grid():
    """An order that nobody could send tells nothing."""
    async with watching() as it:
        it.quotes[1] = quote_of(1, 4.99, 5.0)
        await it.beat()
        for con_id, ask in ((2, math.nan), (3, math.inf), (4, 0.0), (5, -1.0)):
            await it.see(con_id, ask)
        await it.beat()
        assert it.asked == []
        await it.see(1)
        await it.beat()
        assert it.asked == [1]


async def test_what_never_was_asked_comes_before_what_is_asked_again():
    """A symbol that is refused each minute keeps no other waiting."""
    async with watching() as it:
        it.broker.previews[1] = REFUSED
        await it.see(1)
        await it.beat()
        await it.see(2)
        await it.beat(61)
        assert it.asked == [1, 2]


# -- at the gate -------------------------------------------------------------------------------------------------------


def told(desk):
    """The latest verdict's checks by name."""
    return {check.rule: check for check in desk.journal["risk"][-1]["limits"]}


@pytest.mark.parametrize("funds", [True, False], ids=["funds told", "no funds told"])
async def test_what_the_broker_does_not_let_us_buy_is_refused_in_its_words(tmp_path, funds):
    """No order goes out, whether funds are known or not, and other symbols are bought."""
    async with trading_desk(tmp_path) as desk:
        if funds:
            desk.funds = Funds(available_usd=1e5, settled_usd=1e5, named=True, elapsed_s=desk.clock.elapsed())
        desk.margins[1] = MarginTerms(refusal="201: no trading permission")
        await desk.signal(1)
        assert desk.journal["risk"][-1]["reason"] == "permission"
        assert told(desk)["permission"].detail == "201: no trading permission"
        assert desk.broker.sent == []
        await desk.signal(2)
        assert len(desk.broker.sent) == 3


async def test_an_order_takes_what_the_broker_asks_for_its_symbol_and_for_those_before_it(tmp_path):
    """Two orders of 4,182 USD, the first at 150%: known since before, and counted until the funds show it."""
    async with trading_desk(tmp_path) as desk:
        desk.funds = Funds(available_usd=1e5, settled_usd=1e5, named=True, elapsed_s=desk.clock.elapsed())
        desk.margins |= {1: MarginTerms(1.5), 2: MarginTerms(0.25)}
        await desk.signal(1)
        assert told(desk)["buying power"].value == pytest.approx(833 * 5.02 * 1.5, rel=0.002)
        await desk.signal(2)
        assert told(desk)["buying power"].value == pytest.approx(833 * 5.02 * 2.5, rel=0.002)
        desk.funds = replace(desk.funds, available_usd=2_000.0)
        await desk.signal(3)
        assert desk.journal["risk"][-1]["reason"] == "buying power"


async def test_without_a_rate_the_setting_stands_in_or_refuses(tmp_path):
    """By `buying_power`: known lets the setting stand in, required refuses what nobody has told."""
    async with trading_desk(tmp_path, buying_power="required") as desk:
        desk.funds = Funds(available_usd=1e5, settled_usd=1e5, named=True, elapsed_s=desk.clock.elapsed())
        await desk.signal(1)
        assert desk.journal["risk"][-1]["reason"] == "buying power"
        assert "no rate by what-if" in told(desk)["buying power"].detail
        desk.margins[2] = MarginTerms(1.0)
        await desk.signal(2)
        assert len(desk.broker.sent) == 3
