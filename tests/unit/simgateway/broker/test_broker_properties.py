"""Whatever clients and the market do in whatever order, the broker's books stay true."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from momentum_kit.simgateway.embedding import SWITCHES
from momentum_kit.simgateway.events import (
    CommissionReportDue,
    ExecutionReport,
    OrderErrorReport,
    StatusReport,
)

TERMINAL = {"Filled", "Cancelled", "ApiCancelled", "Inactive"}
KINDS = ("MKT", "LMT", "STP", "STP LMT", "TRAIL")
prices = st.integers(95, 105).map(lambda cents: cents / 10)
sizes = st.integers(1, 9).map(lambda lots: lots * 10)
sides = st.sampled_from(["BUY", "SELL"])


@st.composite
def terms(draw: st.DrawFn) -> dict[str, Any]:
    """An order's type with what that type needs, time in force and hours."""
    kind = draw(st.sampled_from(KINDS))
    fields: dict[str, Any] = {"kind": kind, "tif": draw(st.sampled_from(["DAY", "GTC", "IOC", "FOK"]))}
    if "LMT" in kind:
        fields["limit_price"] = draw(prices)
    if "STP" in kind:
        fields["stop_price"] = draw(prices)
    if kind == "TRAIL":
        fields["trailing_amount"] = draw(st.sampled_from([0.1, 0.5]))
    return fields | {"outside_rth": draw(st.booleans())}


steps = st.one_of(
    st.tuples(st.just("quote"), prices, sizes),
    st.tuples(st.just("trade"), prices, sizes),
    st.tuples(st.just("halt"), st.sampled_from([0, 0, 1])),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 0.3, 5, 3_600])),
    st.tuples(st.just("order"), sides, sizes, terms()),
    st.tuples(st.just("bracket"), sides, sizes, terms(), terms(), terms()),
    st.tuples(st.just("group"), sides, sizes, sizes, st.sampled_from([1, 2, 3]), terms(), terms()),
    st.tuples(st.just("modify"), st.integers(0, 30), st.sampled_from([None, 10, 50, 90]), terms()),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("cancel all")),
)
options = st.fixed_dictionaries(
    {
        "latency_ms": st.sampled_from([0, 250]),
        "seed": st.integers(0, 5),
        "split_share": st.sampled_from([0.0, 0.5]),
        "choices": st.fixed_dictionaries(
            {switch.name: st.sampled_from([a.name for a in switch.alternatives]) for switch in SWITCHES}
        ),
    }
)


@dataclass
class Placed:
    """What a test remembers of an order: the largest size it ever asked for, and its group's type."""

    order_id: int
    action: str
    most: int
    parent_id: int = 0
    oca_group: str = ""
    oca_type: int = 0


class Play:
    """Plays steps on a Desk and remembers what was asked."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.placed: list[Placed] = []

    def step(self, name: str, *arguments: Any) -> None:
        """One step of the script."""
        getattr(self, name.replace(" ", "_"))(*arguments)

    def quote(self, price: float, size: int) -> None:
        """A touch two cents wide."""
        self.desk.quote(price, round(price + 0.02, 2), size=size)

    def trade(self, price: float, size: int) -> None:
        """A print."""
        self.desk.trade(price, size)

    def halt(self, state: int) -> None:
        """A halt or its end."""
        self.desk.halt(state)

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.desk.wait(seconds)

    def order(self, action: str, size: int, fields: dict[str, Any], **links: Any) -> int:
        """A new order; returns its id."""
        number = len(self.placed) + 1
        known = {key: value for key, value in links.items() if key != "transmit"}
        self.placed.append(Placed(number, action, size, **known))
        self.desk.place(number, action, size, **fields, **links)
        return number

    def bracket(self, action: str, size: int, entry: dict[str, Any], *exits: dict[str, Any]) -> None:
        """An entry with two children."""
        other = "SELL" if action == "BUY" else "BUY"
        parent = self.order(action, size, entry, transmit=False)
        for number, fields in enumerate(exits, 1):
            self.order(other, size, fields, parent_id=parent, transmit=number == len(exits))

    def group(self, action: str, first: int, second: int, kind: int, *both: dict[str, Any]) -> None:
        """Two orders in an OCA group, together before either can fill."""
        name = f"g{len(self.placed)}"
        self.halt(1)
        for size, fields in zip((first, second), both, strict=True):
            self.order(action, size, fields, oca_group=name, oca_type=kind)
        self.halt(0)

    def modify(self, index: int, size: int | None, fields: dict[str, Any]) -> None:
        """New terms for some order; sizes of group members and children stay."""
        if index >= len(self.placed):
            return
        placed = self.placed[index]
        free = not placed.oca_group and not placed.parent_id
        asked = size if size and free else placed.most
        placed.most = max(placed.most, asked)
        links = {"parent_id": placed.parent_id, "oca_group": placed.oca_group, "oca_type": placed.oca_type}
        self.desk.place(placed.order_id, placed.action, asked, **fields, **links)

    def cancel(self, index: int) -> None:
        """A cancel of some id, perhaps an unknown one."""
        self.desk.cancel(index + 1)

    def cancel_all(self) -> None:
        """A global cancel."""
        self.desk.tell(self.desk.broker.global_cancel(1, self.desk.now))


def check_books(play: Play) -> None:
    """Position, cash and every order agree with the executions."""
    truth = play.desk.broker.truth()
    held, cash, filled = Decimal(0), 1_000_000.0, defaultdict(Decimal)
    for fill in truth["fills"]:
        sign = 1 if fill["side"] == "BOT" else -1
        shares = Decimal(fill["shares"])
        assert shares > 0
        held += sign * shares
        cash -= sign * float(shares) * fill["price"] + fill["commission_usd"]
        filled[fill["order_id"]] += shares
    assert held == sum(Decimal(row["quantity"]) for row in truth["positions"])
    assert truth["cash_usd"] == pytest.approx(cash, abs=1e-4)
    for row in truth["orders"]:
        assert filled[row["order_id"]] == Decimal(row["filled"]) <= Decimal(row["quantity"])
    check_links(play, filled)


def check_links(play: Play, filled: dict[int, Decimal]) -> None:
    """No order beyond its size, no family beyond its parent, no group beyond what its type allows."""
    families: dict[int, Decimal] = defaultdict(Decimal)
    groups: dict[str, list[Placed]] = defaultdict(list)
    for placed in play.placed:
        assert filled[placed.order_id] <= placed.most
        if placed.parent_id:
            families[placed.parent_id] += filled[placed.order_id]
        if placed.oca_group:
            groups[placed.oca_group].append(placed)
    for parent_id, closed in families.items():
        assert closed <= filled[parent_id] or play.desk.broker.assumptions.family_cap == "uncapped"
    for members in groups.values():
        if members[0].oca_type == 1:
            assert sum(1 for m in members if filled[m.order_id] == m.most) <= 1
            assert sum(filled[m.order_id] for m in members) <= max(m.most for m in members)
        else:
            assert sum(filled[m.order_id] / m.most for m in members) <= 1


def check_story(play: Play) -> None:
    """What the client heard: nothing after an end but errors and late reports, executions that add up."""
    ended: dict[int, str] = {}
    counted: dict[int, Decimal] = defaultdict(Decimal)
    seen: set[str] = set()
    for event in play.desk.events:
        if isinstance(event, CommissionReportDue):
            assert event.exec_id in seen
        elif isinstance(event, ExecutionReport) and not event.exec_id.endswith(".01"):
            assert f"{event.exec_id[:-3]}.01" in seen
        elif isinstance(event, ExecutionReport):
            seen.add(event.exec_id)
            counted[event.order.order_id] += event.shares
            assert event.cumulative == counted[event.order.order_id]
        elif isinstance(event, StatusReport):
            number = event.order.order_id
            transient = event.status == "Cancelled" and not event.order.perm_id
            assert number not in ended or ended[number] == event.status
            if event.status in TERMINAL and not transient:
                ended[number] = event.status
        elif not isinstance(event, OrderErrorReport):
            assert event.order.order_id not in ended or event.order.status in TERMINAL


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(steps, min_size=5, max_size=40), option=options)
def test_no_sequence_of_requests_and_events_breaks_the_books(make_desk, script, option):
    """Never overfilled, never filled after the end; positions, cash, families and groups add up."""
    play = Play(make_desk(**option))
    play.quote(10.0, 100)
    for step in script:
        play.step(*step)
        check_books(play)
    play.desk.wait(60)
    check_story(play)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(steps, min_size=5, max_size=25), option=options)
def test_the_same_script_gives_the_same_story(make_desk, script, option):
    """Nothing depends on the wall clock or on memory addresses."""
    stories = []
    for _ in range(2):
        play = Play(make_desk(**option))
        play.quote(10.0, 100)
        for step in script:
            play.step(*step)
        stories.append((play.desk.events, play.desk.broker.truth()))
    assert stories[0] == stories[1]
