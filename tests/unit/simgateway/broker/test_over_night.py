"""One account over several simulated days: each day has a market of its own, the broker keeps the rest."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from momentum_kit.simgateway import Scenario
from momentum_kit.simgateway.broker import SimulatedBroker, open_broker
from momentum_kit.simgateway.events import SimOrder
from momentum_kit.simgateway.market import Market, open_market

FRIDAY, MONDAY = date(2026, 10, 30), date(2026, 11, 2)


def day_of(day: date, before: SimulatedBroker | None = None) -> tuple[Market, SimulatedBroker]:
    """A day's market with its broker."""
    scenario = Scenario.model_validate({"day": day, "seed": 7, "universe": {"small_caps": 2, "large_caps": 0}})
    market = open_market(scenario)
    return market, open_broker(market, before=before)


def order(con_id: int, order_id: int, kind: str, **fields: object) -> SimOrder:
    """Client 17's order for ten shares."""
    given: dict[str, Any] = {"action": "SELL", "tif": "GTC", "account": "DU9000001", **fields}
    return SimOrder(client_id=17, order_id=order_id, con_id=con_id, order_type=kind, quantity=Decimal(10), **given)


def live(market: Market, broker: SimulatedBroker, seconds: float) -> None:
    """Let the market go on for so long."""
    for event in market.advance(market.now + timedelta(seconds=seconds)):
        broker.on_market(event)
    broker.advance(market.now)


def test_what_is_held_and_what_is_good_till_cancelled_outlive_the_night() -> None:
    """Positions, GTC orders and perm ids go on; DAY orders are gone, and yesterday's executions from the list."""
    market, broker = day_of(FRIDAY)
    con_id = list(market.instruments)[1]
    market.activate(con_id)
    broker.place(order(con_id, 1, "MKT", action="BUY", tif="DAY"), market.now)
    live(market, broker, 5)
    broker.place(order(con_id, 2, "STP", stop_price=0.5), market.now)
    broker.place(order(con_id, 3, "LMT", limit_price=999.0, tif="DAY"), market.now)
    live(market, broker, 5)
    assert [held.quantity for held in broker.positions()] == [Decimal(10)]
    assert len(broker.executions()) == 1
    stop = next(each for each in broker.truth()["orders"] if each["order_type"] == "STP")

    market, after = day_of(MONDAY, broker)
    assert after.executions() == []
    live(market, after, 5)
    assert [held.quantity for held in after.positions()] == [Decimal(10)]
    assert [each["perm_id"] for each in after.truth()["orders"] if each["open"]] == [stop["perm_id"]]
    assert (after.executions(), len(after.executions(days=7))) == ([], 1)
    assert after.next_order_id(17) == broker.next_order_id(17)
    after.place(order(con_id, 4, "MKT", tif="DAY"), market.now)
    live(market, after, 5)
    assert after.positions() == []
    fresh = next(each for each in after.truth()["orders"] if each["order_id"] == 4)
    assert fresh["perm_id"] > stop["perm_id"]
