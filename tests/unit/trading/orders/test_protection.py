from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.models.contracts import Contract
from momentum_kit.models.intents import Intent, IntentKind
from momentum_kit.models.orders import OrderAction
from momentum_kit.trading import US_STOCK_BANDS
from momentum_kit.trading.orders import (
    Agreement,
    Bracket,
    Cancel,
    Leg,
    OrderState,
    PlaceStop,
    Resize,
    SymbolEvidence,
    as_market,
    bracket_legs,
    protective_moves,
)

AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
SENT_AT = 100.0
S = OrderState


def bracket(entry=S.FILLED, target=S.WORKING, stop=S.HELD, quantity=100):
    """A bracket with legs in these states."""
    intent = Intent(
        intent_id="mk-1", kind=IntentKind.ENTRY, item_id="s:1", contract=Contract("AAA", 1), account="DU1",
        action=OrderAction.BUY, quantity=Decimal(100), limit_price=5.02, target_price=5.2, stop_price=4.9,
        risk_usd=12.0, created_at=AT, entry_order_id=1, target_order_id=2, stop_order_id=3,
    )  # fmt: skip
    orders = bracket_legs(intent, regular_hours=True, stop_slack_pct=2.0, bands=US_STOCK_BANDS)
    found = Bracket(intent=intent, sent_at=SENT_AT)
    for role, order, state in zip(("entry", "target", "stop"), orders, (entry, target, stop), strict=True):
        found.legs[role] = Leg(
            role=role, request=replace(order, quantity=Decimal(quantity)), sent_at=SENT_AT, state=state
        )
    return found


def evidence(held, sellable=None):
    """What is held, and what may be sold of it: all, unless said otherwise."""
    shares = Decimal(held)
    return SymbolEvidence(
        executions=shares, orders=shares, position=shares, foreign=Decimal(0), held=shares,
        sellable=max(shares, Decimal(0)) if sellable is None else Decimal(sellable), unexplained=Decimal(0),
        agreement=Agreement.AGREED,
        confirmed=False,
    )  # fmt: skip


def moves(of, held, sellable=None, **filled):
    """What is to be done; filled by role."""
    return protective_moves(of, evidence(held, sellable), lambda leg: Decimal(filled.get(leg.role, 0)))


def test_equal_needs_nothing():
    """A full fill under a whole bracket is protected already."""
    assert moves(bracket(), 100) == ()


def test_partial_fill_resizes_both_legs():
    """Stop and target follow the position down."""
    of = bracket()
    assert moves(of, 40) == (Resize(of.stop, Decimal(40)), Resize(of.target, Decimal(40)))


def test_what_a_leg_has_filled_counts_as_its_size():
    """A target that sold 30 of 100 still has the size of the 70 left; the stop is cut to 70."""
    of = bracket()
    assert moves(of, 70, target=30) == (Resize(of.stop, Decimal(70)),)


@pytest.mark.parametrize("stop", [S.CANCELLED, S.REJECTED, S.FILLED, S.INACTIVE])
def test_a_second_stop_stands_in_for_a_dead_one(stop):
    """It protects already: a third one beside it would sell the same shares again. One that is to go does not."""
    of = bracket(stop=stop)
    second = Leg(role="stop", request=of.stop.request, sent_at=SENT_AT, state=S.HELD)
    of.replaced.append(second)
    of.let_stand_in()
    assert of.stop is second
    assert not any(isinstance(move, PlaceStop) for move in moves(of, 100))
    leaving = bracket(stop=stop)
    second.cancel_sent_at = SENT_AT
    leaving.replaced.append(second)
    leaving.let_stand_in()
    assert leaving.stop is not second


def test_a_second_stop_does_not_take_a_living_ones_place():
    """Which of two that protect goes is decided by their roles as they were."""
    of = bracket()
    first, second = of.stop, Leg(role="stop", request=of.stop.request, sent_at=SENT_AT, state=S.HELD)
    of.replaced.append(second)
    of.let_stand_in()
    assert of.stop is first


@pytest.mark.parametrize("stop", [S.CANCELLED, S.REJECTED, S.FILLED, S.INACTIVE])
def test_a_dead_stop_is_replaced_first(stop):
    """The new stop goes out before anything is taken away."""
    assert moves(bracket(stop=stop), 100) == (PlaceStop(Decimal(100)),)


def test_what_sells_at_the_market_needs_no_stop_beside_it():
    """While an exit works at the market, a stop that the broker has ended is not replaced."""
    of = bracket(stop=S.CANCELLED)
    of.target.request = as_market(of.target.request, Decimal(100))
    assert moves(of, 100) == ()


def test_what_sells_at_the_market_takes_away_what_stands_apart():
    """A target of another group could sell the same shares: it goes, once the broker works the sale."""
    of = bracket(stop=S.CANCELLED)
    sale = replace(as_market(of.target.request, Decimal(100)), order_id=9, oca_group="of its own")
    of.legs["exit"] = Leg(role="exit", request=sale, sent_at=SENT_AT, state=S.SENT)
    assert moves(of, 100) == ()
    of.legs["exit"].state = S.WORKING
    assert moves(of, 100) == (Cancel(of.target),)


def test_less_than_held_may_be_sold_and_nothing_shrinks():
    """While only one witness says that there is less, no leg grows and none is taken away."""
    assert moves(bracket(), 100, sellable=0) == ()
    of = bracket(quantity=60)
    assert moves(of, 100, sellable=80) == (Resize(of.stop, Decimal(80)), Resize(of.target, Decimal(80)))
    assert moves(bracket(stop=S.CANCELLED), 100, sellable=0) == ()


@pytest.mark.parametrize("stop", [S.SENT, S.PENDING, S.UNKNOWN, S.CANCELLING])
def test_no_second_stop_on_a_guess(stop):
    """A stop that may still be alive is never doubled."""
    assert not any(isinstance(move, PlaceStop) for move in moves(bracket(stop=stop), 100))


def test_a_child_grows_no_larger_than_its_parent():
    """Of 150 held an entry bought 100: a stop of its own joins the one that cannot grow, and the target stays."""
    of = bracket()
    assert moves(of, 150) == (PlaceStop(Decimal(150)),)
    of.replaced.append(of.legs["stop"])
    own = replace(of.stop.request, order_ref="mk-2", quantity=Decimal(150), parent_id=0)
    of.legs["stop"] = Leg(role="stop", request=own, sent_at=SENT_AT, state=S.SENT)
    assert moves(of, 150) == ()
    of.stop.state = S.HELD
    assert moves(of, 150) == (Cancel(of.replaced[0]),)
    of.replaced.clear()
    assert moves(of, 150) == ()
    assert moves(of, 170) == (Resize(of.stop, Decimal(170)),)


def test_a_missing_stop_is_placed():
    """An adopted position without any leg gets its stop."""
    of = bracket()
    of.legs = {}
    assert moves(of, 25) == (PlaceStop(Decimal(25)),)


def test_a_target_outside_the_stops_group_goes():
    """Where stop and target no longer take each other along, only the stop stays, once the broker has it."""
    of = bracket()
    of.stop.request = replace(of.stop.request, oca_group="another")
    assert moves(of, 100) == (Cancel(of.target),)
    of.stop.state = S.SENT
    assert moves(of, 100) == ()


def test_a_second_live_stop_is_surplus():
    """A stop that another one has replaced goes, though both stand in one group."""
    of = bracket()
    twin = Leg(role="stop", request=replace(of.stop.request, order_id=9), sent_at=SENT_AT, state=S.HELD)
    of.replaced.append(twin)
    assert moves(of, 100) == (Cancel(twin),)


def test_orphans_go_when_flat():
    """Flat with a finished entry: what is left is cancelled; with a live entry everything waits."""
    of = bracket(entry=S.CANCELLED)
    assert moves(of, 0) == (Cancel(of.target), Cancel(of.stop))
    assert moves(bracket(entry=S.WORKING), 0) == ()


def test_a_short_position_is_left_to_a_human():
    """No move makes a flip worse."""
    assert moves(bracket(), -5) == ()


def test_one_change_at_a_time():
    """A leg whose modify is not echoed, or whose cancel is out, is left alone."""
    of = bracket()
    of.stop.changing = True
    of.target.cancel_sent_at = SENT_AT
    assert moves(of, 40) == ()


@given(
    st.integers(-50, 100),
    st.integers(0, 100),
    st.sampled_from(list(S)),
    st.sampled_from(list(S)),
    st.sampled_from(list(S)),
)
def test_no_move_sells_more_than_is_held(held, sellable, entry, target, stop):
    """Whatever the states: no leg grows beyond what may be sold, and a stop is placed at most once."""
    sellable = min(max(held, 0), sellable)
    found = moves(bracket(entry, target, stop), held, sellable)
    sizes = [move.quantity for move in found if not isinstance(move, Cancel)]
    assert all(sellable <= size <= max(held, 0) for size in sizes)
    assert sum(isinstance(move, PlaceStop) for move in found) <= 1
    if held < 0:
        assert not found
