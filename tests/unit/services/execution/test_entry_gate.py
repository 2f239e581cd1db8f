"""The entry gate through the execution service: what the risk gate is told, at the moment of sending."""

import asyncio
import math
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta

import pytest

from momentum_kit.errors import RequestTimeout, StorageError
from momentum_kit.models import AccountValue, Beat, IntentState, LinkState, MarketDataType
from momentum_kit.services.execution import FundsWatch
from momentum_kit.services.execution.entry_facts import signal_age_s
from momentum_kit.services.execution.funds import read_funds
from momentum_kit.trading import FillCosts
from tests.helpers.broker_in_memory import MemoryBroker, TestClock, contract_of, quote_of
from tests.helpers.contexts import context_of
from tests.helpers.trading_desk import signal_of, trading_desk


def told(desk):
    """The latest verdict's checks by name."""
    return {check.rule: check for check in desk.journal["risk"][-1]["limits"]}


def broken(desk):
    """Names of those that failed."""
    return [name for name, check in told(desk).items() if not check.passed]


async def test_a_signal_that_was_held_up_is_refused_with_its_age_and_its_price(tmp_path):
    """Decided at 5.00, sent 20 s later into a market at 4.71: two reasons, each with both numbers, and no order."""
    async with trading_desk(tmp_path) as desk:
        await desk.rules.learn(contract_of(1))
        signal = signal_of(1, 5.0, 0.05, desk.clock)
        await desk.beat(20)
        desk.quotes[1] = quote_of(1, 4.70, 4.71, at=desk.clock.now())
        desk.signals.put_nowait(signal)
        await desk.settle()
        checks = told(desk)
        assert broken(desk)[:2] == ["signal age", "signal price"]
        assert (checks["signal age"].value, checks["signal age"].limit) == (20.0, 5.0)
        assert (round(checks["signal price"].value), checks["signal price"].limit) == (580, 50.0)
        assert checks["signal price"].detail == "ask 4.71, decided on 5"
        assert not desk.broker.sent


async def test_a_signal_never_waits_for_its_market_rule(tmp_path):
    """A symbol whose price grid the broker has not told yet is refused at once; nothing is asked on its account."""
    async with trading_desk(tmp_path) as desk:

        def ask(_contract):
            raise AssertionError("asked when the signal came")

        desk.broker.fetch_contract_details = ask
        desk.quotes[1] = quote_of(1, 4.99, 5.0, at=desk.clock.now())
        desk.signals.put_nowait(signal_of(1, 5.0, 0.05, desk.clock))
        await desk.settle()
        assert desk.journal["risk"][-1]["reason"] == "market rule"
        assert told(desk)["market rule"].detail
        assert not desk.broker.sent


@pytest.mark.parametrize(
    ("health", "reason"),
    [
        ({"stale_con_ids": frozenset({1, 7})}, "stale symbol"),
        ({"socket": LinkState.DOWN}, "connection"),
        ({"broker": LinkState.DOWN}, "connection"),
        ({"farms": {"usfarm": LinkState.UP, "secdefnj": LinkState.DOWN}}, "connection"),
        ({"competing_session": True}, "connection"),
    ],
)
async def test_a_layer_that_is_not_up_bars_the_entry(tmp_path, health, reason):
    """Socket, broker, farms, and the symbol's own subscription: any of them refuses, and other symbols go on."""
    async with trading_desk(tmp_path) as desk:
        desk.health = replace(desk.health, **health)
        await desk.signal(1)
        assert broken(desk) == [reason]
        await desk.signal(2)
        assert broken(desk) == ([] if reason == "stale symbol" else [reason])


@pytest.mark.parametrize(
    ("quote", "reasons"),
    [
        ({"received_at": timedelta(seconds=-6)}, ["quote age"]),
        ({"data_type": MarketDataType.DELAYED}, ["live data"]),
        ({"data_type": MarketDataType.FROZEN}, ["live data"]),
        ({"halted": True}, ["halt"]),
        ({"bid": math.nan}, ["price collar"]),
        ({"ask": math.nan}, ["signal price", "price collar"]),
    ],
)
async def test_a_quote_that_says_too_little_bars_the_entry(tmp_path, quote, reasons):
    """Old, delayed, frozen, halted or one-sided."""
    async with trading_desk(tmp_path) as desk:
        now = desk.clock.now()
        if "received_at" in quote:
            quote = {"received_at": now + quote["received_at"]}
        desk.quotes[1] = replace(quote_of(1, 4.99, 5.0, at=now), **quote)
        await desk.signal(1)
        assert broken(desk) == reasons
        assert not desk.broker.sent


async def test_what_has_just_reopened_is_not_entered(tmp_path):
    """Four minutes after a halt it is refused with that number; after five it may be bought."""
    async with trading_desk(tmp_path) as desk:
        now = desk.clock.now()
        for con_id, minutes in ((1, 4), (2, 5)):
            halted_at = now - timedelta(minutes=minutes)
            desk.quotes[con_id] = replace(quote_of(con_id, 4.99, 5.0, at=now), halted_at=halted_at)
        await desk.signal(1)
        assert broken(desk) == ["reopening"]
        assert told(desk)["reopening"].value == 240
        await desk.signal(2)
        assert broken(desk) == []


async def test_no_quote_is_no_entry(tmp_path):
    """Without a word of the market its age, its price and its state are unknown."""
    async with trading_desk(tmp_path) as desk:
        await desk.rules.learn(contract_of(1))
        desk.signals.put_nowait(signal_of(1, 5.0, 0.05, desk.clock))
        await desk.settle()
        assert broken(desk) == ["live data", "quote age", "signal price", "price collar"]


async def test_working_entries_count_into_the_total(tmp_path):
    """What an entry may still buy is spent already: two of 4,165 USD, filled to a quarter or not, leave no third."""
    async with trading_desk(tmp_path, max_total_notional_usd=12_000) as desk:
        await desk.signal(1)
        await desk.signal(2)
        desk.broker.fill(desk.broker.leg(2, "entry"), 200, 5.0)
        await desk.settle()
        await desk.signal(3)
        assert broken(desk) == ["total notional"]
        spent = told(desk)["total notional"].value
        assert spent == pytest.approx(3 * 833 * 5.02, rel=0.002)
        desk.broker.kill(desk.broker.leg(1, "entry"))
        await desk.settle()
        await desk.signal(4)
        assert broken(desk) == []


async def test_a_catalyst_is_not_bought_without_end(tmp_path):
    """Open positions and working entries of one kind are counted, whatever became of earlier ones."""
    async with trading_desk(tmp_path, max_per_catalyst=2) as desk:
        await desk.enter(1)
        await desk.signal(2)
        await desk.signal(3)
        assert broken(desk) == ["catalyst"]
        desk.broker.kill(desk.broker.leg(2, "entry"))
        await desk.settle()
        await desk.signal(4)
        assert broken(desk) == []


async def test_losses_end_entries_in_the_symbol_and_then_in_all(tmp_path):
    """Round trips that lost are counted by symbol and in a row; a profit in between begins anew."""
    async with trading_desk(tmp_path, max_symbol_loss_usd=50, max_losses_in_a_row=2) as desk:

        async def trip(con_id, price):
            quantity = await desk.enter(con_id)
            desk.broker.fill(desk.broker.leg(con_id, "stop"), int(quantity), price)
            await desk.beat(1)

        await trip(1, 4.90)
        await desk.signal(1)
        assert broken(desk) == ["symbol loss"]
        await trip(2, 5.20)
        await trip(3, 4.90)
        await desk.signal(4)
        assert broken(desk) == []
        desk.broker.kill(desk.broker.leg(4, "entry"))
        await trip(5, 4.99)
        await desk.signal(6)
        assert broken(desk) == ["losses in a row"]


async def test_a_signal_that_aged_while_the_disk_stalled_is_withdrawn(tmp_path):
    """Its intent became durable 8 s later: it is judged again, marked refused, and nothing of it was sent."""
    async with trading_desk(tmp_path) as desk:
        record = desk.intents.record

        def stalled(intent):
            write = record(intent)
            desk.clock.time += timedelta(seconds=8)
            return write

        desk.intents.record = stalled
        await desk.signal()
        assert [row["verdict"] for row in desk.journal["risk"]] == ["accepted", "refused"]
        assert "signal age" in broken(desk)
        assert not desk.broker.sent
        assert not desk.intents.unresolved()
        (intent,) = desk.intents.entries_since(desk.clock.now() - timedelta(minutes=1))
        assert intent.state is IntentState.REFUSED
        assert (desk.counts["refused"], desk.counts["entries"], desk.halts) == (1, 0, [])


async def test_a_withdrawal_survives_a_disk_that_fails(tmp_path):
    """Where it cannot be marked nothing is sent all the same, and the next start settles it."""
    async with trading_desk(tmp_path) as desk:
        record = desk.intents.record

        def stalled(intent):
            write = record(intent)
            desk.clock.time += timedelta(seconds=8)
            return write

        def full(*_args, **_kwargs):
            refused = Future()
            refused.set_exception(StorageError("disk is full"))
            return refused

        desk.intents.record, desk.intents.mark = stalled, full
        await desk.signal()
        assert not desk.broker.sent
        assert len(desk.intents.unresolved()) == 1


@pytest.mark.parametrize(
    ("wall_s", "elapsed_s", "age"),
    [(3.0, 3.0, 3.0), (-597.0, 3.0, 3.0), (603.0, 3.0, 603.0), (3.0, 603.0, 603.0), (3.0, math.nan, 3.0)],
)
def test_the_age_is_that_of_the_slower_clock(wall_s, elapsed_s, age):
    """A wall clock that steps either way, or a lid that was closed, makes no signal younger."""
    clock = TestClock()
    signal = replace(signal_of(1, 5.0, 0.05, clock), elapsed_s=100.0)
    assert signal_age_s(signal, clock.now() + timedelta(seconds=wall_s), 100.0 + elapsed_s) == age


def test_a_signal_of_the_future_has_no_age():
    """Without elapsed time a wall that stepped back leaves nothing to tell the age by."""
    clock = TestClock()
    signal = replace(signal_of(1, 5.0, 0.05, clock), elapsed_s=math.nan)
    assert math.isnan(signal_age_s(signal, clock.now() - timedelta(seconds=1), 5.0))


# -- what the account can pay with ------------------------------------------------------------------------------------


def summary(available="24000.50", settled="1200", account="DU1", currency="USD"):
    """Lines of an account summary."""
    values = {"AvailableFunds": available, "SettledCash": settled, "NetLiquidation": "99999"}
    return tuple(AccountValue(account=account, tag=tag, value=text, currency=currency) for tag, text in values.items())


def funds_of(lines):
    """Read for DU1, with a rate for euros alone."""
    return read_funds(lines, "DU1", 0.0, lambda currency: {"USD": 1.0, "EUR": 1.25}.get(currency, math.nan))


def test_a_summary_is_read_for_our_account_alone():
    """Euros are converted; amounts of others, without a rate, or that are no numbers, are unknown: never zero."""
    own = funds_of((*summary("7", account="DU2"), *summary()))
    assert (own.available_usd, own.settled_usd, own.named) == (24_000.5, 1_200.0, True)
    assert (funds_of(summary(currency="EUR")).available_usd, funds_of(summary(currency="EUR")).settled_usd) == (
        30_000.625, 1_500.0,
    )  # fmt: skip
    for lines in (summary(currency="CHF"), summary("1.7976931348623157E308", "n/a"), summary("", "nan")):
        assert math.isnan(funds_of(lines).available_usd)
        assert math.isnan(funds_of(lines).settled_usd)
    assert not funds_of(summary(account="U7654321")).named
    assert funds_of(()).named


async def test_funds_bar_what_they_do_not_cover(tmp_path):
    """What was told last, less what was ordered since, must cover an order; an answer on other accounts bars all."""
    async with trading_desk(tmp_path) as desk:
        desk.funds = replace(funds_of(summary("9000")), elapsed_s=desk.clock.elapsed())
        await desk.signal(1)
        await desk.signal(2)
        assert broken(desk) == []
        await desk.signal(3)
        assert broken(desk) == ["buying power"]
        assert told(desk)["buying power"].value == pytest.approx(3 * 833 * 5.02, rel=0.002)
        desk.funds = replace(desk.funds, named=False, available_usd=1e6)
        await desk.signal(4)
        assert broken(desk) == ["account"]


async def test_what_was_bought_since_the_funds_were_told_is_spent(tmp_path):
    """Filled or working: it is not in an older answer; a newer one shows what has filled, and only the rest counts."""
    async with trading_desk(tmp_path) as desk:
        desk.funds = replace(funds_of(summary("20000")), elapsed_s=desk.clock.elapsed())
        await desk.beat(1)
        quantity = await desk.enter(1)
        bought = float(quantity) * 5.02
        await desk.signal(2)
        assert told(desk)["buying power"].value == pytest.approx(2 * bought, rel=0.002)
        await desk.beat(1)
        desk.broker.fill(desk.broker.leg(2, "entry"), 600, 5.0)
        await desk.settle()
        desk.funds = replace(desk.funds, elapsed_s=desk.clock.elapsed())
        await desk.signal(3)
        assert told(desk)["buying power"].value == pytest.approx(bought + (bought - 600 * 5.02), rel=0.002)


async def test_what_was_bought_since_the_funds_were_told_is_paid_for(tmp_path):
    """An entry that has filled since is not in the amounts yet: its money is spent all the same."""
    async with trading_desk(tmp_path) as desk:
        desk.funds = replace(funds_of(summary("9000")), elapsed_s=desk.clock.elapsed())
        await desk.enter(1)
        await desk.enter(2)
        await desk.signal(3)
        assert broken(desk) == ["buying power"]
        desk.funds = replace(funds_of(summary("9000")), elapsed_s=desk.clock.elapsed() + 0.1)
        await desk.signal(3, item="once told, what is left is what is left")
        assert broken(desk) == []


async def test_the_account_is_asked_beside_the_work(tmp_path):
    """Once a minute; a question that hangs or fails holds no beat up, and the older answer stands."""
    clock = TestClock()
    broker = MemoryBroker(clock)
    answers: asyncio.Queue = asyncio.Queue()
    asked = []

    async def fetch():
        asked.append(clock.now())
        answer = await answers.get()
        answers.task_done()
        if isinstance(answer, Exception):
            raise answer
        return answer

    broker.fetch_account_summary = fetch
    beats: asyncio.Queue[Beat] = asyncio.Queue()
    watch = FundsWatch(context_of(clock=clock, account="DU1"), broker=broker, costs=FillCosts(), beats=beats)
    task = asyncio.create_task(watch.run())

    async def beat(seconds):
        clock.time += timedelta(seconds=seconds)
        beats.put_nowait(Beat(clock.now()))
        await beats.join()

    async def answered(value):
        answers.put_nowait(value)
        await answers.join()

    await beat(1)
    first = clock.elapsed()
    await beat(70)
    assert (len(asked), watch.latest()) == (1, None)
    await answered(summary())
    assert watch.latest().available_usd == 24_000.5
    assert watch.latest().elapsed_s == first
    await beat(1)
    await answered(RequestTimeout("no answer"))
    assert (len(asked), watch.latest().elapsed_s) == (2, first)
    await beat(59)
    assert len(asked) == 2
    await beat(2)
    assert len(asked) == 3
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
