import asyncio
import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from momentum_kit.errors import NotConnected, RequestTimeout
from momentum_kit.models.intents import ExitRequest
from momentum_kit.models.orders import OrderAction, OrderRequest
from tests.helpers.broker_in_memory import Held, contract_of, quote_of
from tests.helpers.trading_desk import Desk, trading_desk

SYMBOLS = (1, 2)
symbols = st.sampled_from(SYMBOLS)
shares = st.just(900) | st.integers(1, 900)


class OrderSafety(RuleBasedStateMachine):
    """A market, a moody broker and restarts, in any order; what must hold holds after every step, or after a calm."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.mkdtemp()
        self.items = 0
        self.bared: list[OrderRequest] = []
        self.reached: dict[int, float] = {}  # where trailing stops were told to stand, by order id
        self.first = 1  # of this session: an earlier one's headlines come back as SNAPSHOT and are never judged

    @initialize(group=st.sampled_from(["reduces", "dies at once", "dies at the end"]), trails=st.booleans())
    def start(self, group: str, trails: bool = False) -> None:
        """One desk whose limits do not get in the way; its stops stand still, or trail."""
        self.trail_r = 0.5 if trails else None
        self.desk = self._open(None)
        broker = self.desk.broker
        broker.group, self.cancel = group, broker.cancel_order
        broker.cancel_order = self._watched_cancel

    async def _watched_cancel(self, order_id: int) -> None:
        """Cancel, and note what it leaves without any order that could still protect it."""
        order = self.desk.broker.orders.get(order_id)
        if order is not None and order.alive and order.request.action is OrderAction.SELL:
            con_id = order.contract.con_id
            others = [o for o in self.live(con_id, OrderAction.SELL) if o is not order]
            protects = any(o.kind == "stop" or o.request.order_type == "MKT" for o in others)
            if order.kind == "stop" and self.desk.position(con_id) > 0 and not protects:
                self.bared.append(order.request)
        await self.cancel(order_id)

    def _open(self, broker) -> Desk:
        self.stack = AsyncExitStack()
        context = trading_desk(
            Path(self.folder),
            broker,
            max_orders_per_minute=1000,
            max_daily_loss_usd=1e9,
            time_stop_s=120,
            trail_r=self.trail_r,
        )
        return self.run(self.stack.enter_async_context(context))

    def run(self, awaitable):
        """Run on the machine's loop."""

        async def awaited():
            return await awaitable

        return self.runner.run(awaited())

    def live(self, con_id: int, action: OrderAction) -> list[Held]:
        """Orders of a symbol that may still fill."""
        orders = self.desk.broker.orders.values()
        return [o for o in orders if o.contract.con_id == con_id and o.alive and o.request.action is action]

    def any_live(self, action: OrderAction) -> bool:
        """An order of this side may still fill."""
        return any(self.live(con_id, action) for con_id in SYMBOLS)

    def any_held(self) -> bool:
        """There is something to sell."""
        return any(self.desk.position(con_id) > 0 for con_id in SYMBOLS)

    # -- what happens ------------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.any_live(OrderAction.BUY))
    @rule(con_id=symbols)
    def signal(self, con_id: int) -> None:
        """A fresh news item."""
        self.items += 1
        self.run(self.desk.signal(con_id, item=f"item-{self.items}"))

    @rule(con_id=symbols)
    def enter(self, con_id: int) -> None:
        """A fresh news item whose entry fills at once: most of what is interesting comes after."""
        self.signal(con_id)
        for order in self.live(con_id, OrderAction.BUY):
            self.desk.broker.fill(order, 900, 5.0)
        self.run(self.desk.settle())

    @precondition(lambda self: self.items >= self.first and not self.any_live(OrderAction.BUY))
    @rule(con_id=symbols, back=st.integers(0, 3))
    def signal_again(self, con_id: int, back: int) -> None:
        """The same news item once more."""
        self.run(self.desk.signal(con_id, item=f"item-{max(self.first, self.items - back)}"))

    @precondition(lambda self: self.any_live(OrderAction.BUY))
    @rule(con_id=symbols, size=shares, status=st.booleans(), late=st.booleans())
    def entry_fills(self, con_id: int, size: int, status: bool, late: bool) -> None:
        """In part or whole, with or without a status, the execution at once or late."""
        for order in self.live(con_id, OrderAction.BUY):
            self.desk.broker.fill(order, size, 5.0, status=status or late, late=late)
            self.run(self.desk.settle())

    @precondition(lambda self: self.desk.broker.late)
    @rule()
    def executions_arrive(self) -> None:
        """Those that were late."""
        self.desk.broker.release()
        self.run(self.desk.settle())

    @precondition(lambda self: self.any_held())
    @rule(con_id=symbols, size=shares, which=st.integers(0, 3), late=st.booleans())
    def sell_fills(self, con_id: int, size: int, which: int, late: bool) -> None:
        """A target, a stop or an exit; a child never sells more than its parent bought."""
        orders = self.live(con_id, OrderAction.SELL)
        held = self.desk.position(con_id)
        if orders and held > 0:
            order = orders[which % len(orders)]
            self.desk.broker.fill(order, min(size, int(held), int(order.remaining)), 5.1, late=late)
            self.run(self.desk.settle())

    @precondition(lambda self: self.any_live(OrderAction.SELL))
    @rule(con_id=symbols, which=st.integers(0, 5), status=st.sampled_from(["Cancelled", "Inactive"]))
    def order_dies(self, con_id: int, which: int, status: str) -> None:
        """The broker ends any order."""
        orders = self.live(con_id, OrderAction.SELL) + self.live(con_id, OrderAction.BUY)
        if orders:
            self.desk.broker.kill(orders[which % len(orders)], status)
            self.run(self.desk.settle())

    @precondition(lambda self: self.any_live(OrderAction.SELL))
    @rule(con_id=symbols, which=st.integers(0, 5), meaning=st.sampled_from(["order dead", "unknown", "cancel verdict"]))
    def notice(self, con_id: int, which: int, meaning: str) -> None:
        """A code on any order, alive or dead."""
        orders = [o for o in self.desk.broker.orders.values() if o.contract.con_id == con_id]
        if orders:
            self.desk.broker.notice(orders[which % len(orders)].request.order_id, 999, meaning)
            self.run(self.desk.settle())

    @precondition(lambda self: self.any_live(OrderAction.SELL))
    @rule(con_id=symbols)
    def ask_exit(self, con_id: int) -> None:
        """Somebody wants the position gone."""
        self.desk.exits.put_nowait(ExitRequest(contract_of(con_id), "test", self.desk.clock.now()))
        self.run(self.desk.settle())

    @precondition(lambda self: self.trail_r and self.any_held())
    @rule(con_id=symbols, cents=st.integers(1, 20))
    def trail_moves(self, con_id: int, cents: int) -> None:
        """The market has risen, and the broker says where the stop stands, and not by which amount it trails."""
        for order in self.live(con_id, OrderAction.SELL):
            if order.request.order_type == "TRAIL":
                level = round(order.request.stop_price + cents / 100, 2)
                order.request = replace(order.request, stop_price=level, trailing_usd=None)
                self.desk.broker.echo(order)
                if not self.desk.broker.silent:
                    self.reached[order.request.order_id] = level
        self.run(self.desk.settle())

    @precondition(lambda self: self.any_held())
    @rule(con_id=symbols, halted=st.booleans())
    def halt(self, con_id: int, halted: bool) -> None:
        """Trading stops or resumes."""
        self.desk.quotes[con_id] = quote_of(con_id, 4.99, 5.0, halted=halted)

    @rule(mood=st.sets(st.sampled_from(["entry", "stop", "target", "modify"])))
    def moody(self, mood: set[str]) -> None:
        """From now on the broker refuses these."""
        self.desk.broker.refuse = mood

    @rule(outcomes=st.lists(st.sampled_from([None, NotConnected("down"), RequestTimeout("unknown")]), max_size=3))
    def sends_fail(self, outcomes: list[Exception | None]) -> None:
        """The next sends fail, or not."""
        self.desk.broker.fail_sends = list(outcomes)

    @rule(silent=st.booleans())
    def silence(self, silent: bool) -> None:
        """The broker works on but says nothing."""
        self.desk.broker.silent = silent

    @rule(beats=st.integers(1, 12))
    def time_passes(self, beats: int) -> None:
        """Some beats."""
        self.run(self.desk.beat(beats * 0.25))

    @precondition(lambda self: self.items)
    @rule()
    def restart(self) -> None:
        """A crash, and a new session on the same account."""
        self.desk.broker.fail_sends = []
        self.run(self.stack.aclose())
        broker = self.desk.broker
        while not broker.events.empty():  # what was said to the old session is lost
            broker.events.get_nowait()
            broker.events.task_done()
        broker.late.clear()
        self.first = self.items + 1
        self.desk = self._open(broker)

    @precondition(lambda self: self.items)
    @rule()
    def calm(self) -> None:
        """When the broker is well again, everything held is protected and nothing else is left."""
        broker = self.desk.broker
        broker.refuse, broker.fail_sends, broker.silent = set(), [], False
        broker.release()
        self.run(self.desk.beat(30))
        for con_id in SYMBOLS:
            held = self.desk.position(con_id)
            assert self.desk.ledger.position(con_id) == held
            selling = self.live(con_id, OrderAction.SELL)
            groups: dict[str, Decimal] = {}
            for order in selling:
                group = order.request.oca_group
                groups[group] = max(groups.get(group, Decimal(0)), order.remaining)
            if self.live(con_id, OrderAction.BUY):
                continue
            assert sum(groups.values()) == held, "what can be sold equals what is held"
            if held:
                assert any(o.request.order_type in ("STP", "STP LMT", "TRAIL", "MKT") for o in selling), "a stop rests"

    # -- what must always hold ---------------------------------------------------------------------------------------

    @invariant()
    def one_entry_for_one_item(self) -> None:
        """No news item has ever had two entries, and never is a symbol entered twice at once."""
        if not hasattr(self, "desk"):
            return
        bought = [o for o in self.desk.broker.orders.values() if o.request.action is OrderAction.BUY]
        assert len({o.request.order_ref for o in bought}) == len(bought)
        assert len(bought) <= self.items
        for con_id in SYMBOLS:
            assert len(self.live(con_id, OrderAction.BUY)) <= 1

    @invariant()
    def never_short(self) -> None:
        """No sequence sells what is not held."""
        if hasattr(self, "desk"):
            assert all(self.desk.position(con_id) >= 0 for con_id in SYMBOLS)

    @invariant()
    def no_trail_is_loosened(self) -> None:
        """No change of ours takes a trailing stop back from where it was told to stand."""
        if hasattr(self, "desk"):
            live = (order.request for con_id in SYMBOLS for order in self.live(con_id, OrderAction.SELL))
            assert all(o.stop_price >= self.reached.get(o.order_id, 0.0) for o in live if o.order_type == "TRAIL")

    @invariant()
    def no_stop_is_taken_away(self) -> None:
        """A live stop is only cancelled by us where nothing is held, or another order protects or sells already."""
        assert not self.bared

    def teardown(self) -> None:
        """Calm down once more, then close."""
        try:
            if hasattr(self, "desk"):
                self.calm()
                self.run(self.stack.aclose())
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)


LONG = int(os.environ.get("MOMENTUM_KIT_SAFETY_RUNS", "0"))  # of `make chaos`
OrderSafety.TestCase.settings = settings(
    max_examples=LONG or 50,
    stateful_step_count=45 if LONG else 30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking a run of so many beats takes minutes
)
TestOrderSafety = OrderSafety.TestCase


def test_a_target_that_sold_all_while_nothing_was_heard_leaves_no_stop() -> None:
    """The broker refused the stop, the target filled in a silence, and only the list of ended orders told of it.

    An older status had the whole of it left: the order counted as going on for ever, and the stop placed meanwhile
    rested on nothing, from where it opens a short.
    """
    state = OrderSafety()
    try:
        state.start(group="dies at once")
        state.moody(mood={"stop"})
        state.enter(con_id=1)
        state.silence(silent=True)
        state.sell_fills(con_id=1, late=False, size=900, which=0)
        state.calm()
        assert state.live(1, OrderAction.SELL) == []
    finally:
        state.teardown()


def lists_fail(state: OrderSafety, *which: str) -> None:
    """The broker gives none of these lists whole until its trouble is cleared."""
    state.desk.broker.trouble.update(dict.fromkeys(which, RequestTimeout("no answer")))


def test_an_entry_that_a_notice_ended_may_have_bought() -> None:
    """It filled and nothing was heard of it; then a notice alone, which names no fills, said that it had ended.

    The bracket counted as idle, and its stop was cancelled: under all that it had bought.
    """
    state = OrderSafety()
    try:
        state.start(group="reduces")
        state.silence(silent=True)
        state.enter(con_id=1)
        state.enter(con_id=2)
        state.silence(silent=False)
        lists_fail(state, "positions", "executions")
        state.notice(con_id=2, meaning="order dead", which=0)
        state.run(state.desk.beat(20))
        state.desk.broker.trouble.clear()
        state.calm()
        assert not state.bared
    finally:
        state.teardown()


def test_an_exit_that_a_notice_ended_may_have_sold() -> None:
    """The executions are asked before the same shares are sold once more."""
    state = OrderSafety()
    try:
        state.start(group="reduces")
        state.enter(con_id=1)
        broker = state.desk.broker
        state.run(broker.cancel_order(broker.leg(1, "target").request.order_id))
        state.run(state.desk.settle())
        state.silence(silent=True)
        state.ask_exit(con_id=1)
        sold = broker.leg(1, "exit")
        broker.fill(sold, 900, 5.0)
        state.run(state.desk.beat(3))
        state.silence(silent=False)
        lists_fail(state, "positions", "executions")
        broker.notice(sold.request.order_id, 202, "order dead")
        state.run(state.desk.beat(1.5))
        broker.trouble.clear()
        state.calm()
        assert [order for order in broker.orders.values() if order.kind == "exit"] == [sold]
    finally:
        state.teardown()


def test_a_target_is_no_larger_than_what_is_held_though_no_stop_is_taken() -> None:
    """An entry was cut after 57 of 833 shares, stops are refused, and a halt holds up the sale: the target waits."""
    state = OrderSafety()
    try:
        state.start(group="dies at the end")
        state.moody(mood={"stop"})
        state.signal(con_id=1)
        state.halt(con_id=1, halted=True)
        state.entry_fills(con_id=1, size=57, status=True, late=False)
        state.run(state.desk.beat(5))
        [target] = state.live(1, OrderAction.SELL)
        assert (target.kind, target.request.quantity) == ("target", 57)
    finally:
        state.teardown()


def test_a_stop_is_tried_again_while_the_sale_waits() -> None:
    """Two were refused, so the position is to be sold; a halt holds that up, and the broker takes stops again."""
    state = OrderSafety()
    try:
        state.start(group="reduces")
        state.moody(mood={"stop", "target"})
        state.enter(con_id=1)
        state.halt(con_id=1, halted=True)
        state.run(state.desk.beat(5))
        assert state.live(1, OrderAction.SELL) == []
        state.moody(mood=set())
        state.run(state.desk.beat(15))
        [stop] = state.live(1, OrderAction.SELL)
        assert (stop.kind, stop.request.quantity) == ("stop", state.desk.position(1))
    finally:
        state.teardown()


def test_a_stop_that_a_notice_ended_and_a_list_shows_is_ours_still() -> None:
    """Another had taken its place in the bracket: nobody followed the first, and it would have sold the same again."""
    state = OrderSafety()
    try:
        state.start(group="reduces")
        state.silence(silent=True)
        state.enter(con_id=1)
        state.silence(silent=False)
        state.notice(con_id=1, meaning="order dead", which=1)
        state.notice(con_id=1, meaning="order dead", which=2)
        state.run(state.desk.beat(5))
        assert len(state.live(1, OrderAction.SELL)) == 1
    finally:
        state.teardown()


def test_no_stop_is_tried_beside_a_sale_that_rests() -> None:
    """Two stops were refused and the sale is out, unfilled: another stop would sell the same shares once more."""
    state = OrderSafety()
    try:
        state.start(group="reduces")
        state.moody(mood={"stop", "target"})
        state.enter(con_id=1)
        state.run(state.desk.beat(10))
        [sale] = state.live(1, OrderAction.SELL)
        state.moody(mood=set())
        state.run(state.desk.beat(60))
        assert state.live(1, OrderAction.SELL) == [sale]
    finally:
        state.teardown()


def test_refused_stops_are_tried_ever_more_rarely() -> None:
    """A halt that lasts, and a broker that takes no stop: some tries, and not one every ten seconds."""
    state = OrderSafety()
    try:
        state.start(group="reduces")
        state.moody(mood={"stop", "target"})
        state.enter(con_id=1)
        state.halt(con_id=1, halted=True)
        state.run(state.desk.beat(300))
        stops = [order for order in state.desk.broker.orders.values() if order.kind == "stop"]
        assert 4 <= len(stops) <= 9
    finally:
        state.teardown()
