"""What was said while a list came, merged: each order once, as last said, told by perm id or by client and order id."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from momentum_kit.bridge.lists import merged_orders, merged_positions
from momentum_kit.models.contracts import Contract
from momentum_kit.models.orders import OpenOrder, OrderAction, OrderRequest, OrderUpdate, Position

AT = datetime(2026, 4, 14, 15, tzinfo=UTC)


def row(order_id: int, perm_id: int, status: str = "Submitted", client_id: int = 17, **more: Any) -> OpenOrder:
    """One openOrder."""
    request = OrderRequest(action=OrderAction.SELL, quantity=Decimal(833), order_type="STP", order_id=order_id)
    return OpenOrder(
        contract=Contract("TESTQ", 7), request=request, perm_id=perm_id, client_id=client_id, status=status,
        received_at=AT, **more,
    )  # fmt: skip


def update(order_id: int, perm_id: int, status: str, filled: int, client_id: int = 17) -> OrderUpdate:
    """One orderStatus."""
    return OrderUpdate(
        order_id=order_id, perm_id=perm_id, client_id=client_id, parent_id=0, status=status, filled=Decimal(filled),
        remaining=Decimal(833 - filled), avg_fill_price=5.0, last_fill_price=5.0, why_held="", market_cap_price=0.0,
        received_at=AT,
    )  # fmt: skip


def test_order_ids_that_began_anew_are_two_orders() -> None:
    """The same client and order id under two perm ids: neither takes the other's place or status."""
    found = merged_orders([row(7, 900), row(7, 901), update(7, 900, "Cancelled", 0), update(7, 901, "Submitted", 10)])
    assert [(order.perm_id, order.status, order.filled) for order in found] == [
        (900, "Cancelled", Decimal(0)),
        (901, "Submitted", Decimal(10)),
    ]


def test_orders_of_others_with_our_order_id_are_others() -> None:
    """TWS's own orders have order id 0, another client's may have ours: without a perm id they are not one order."""
    found = merged_orders([row(7, 0), row(7, 0, client_id=3), row(0, 0, client_id=0), row(0, 0, client_id=0)])
    assert len(found) == 4


def test_what_was_filled_is_never_taken_back() -> None:
    """An openOrder carries no fills; the number of the status before it stays."""
    (order,) = merged_orders([row(7, 0), update(7, 900, "Submitted", 100), row(7, 900, "Submitted"), row(7, 900)])
    assert (order.perm_id, order.filled) == (900, Decimal(100))


def test_a_status_alone_lists_nothing() -> None:
    """It may be an order of another list."""
    assert merged_orders([update(7, 900, "Submitted", 0)]) == ()


def test_the_last_row_of_a_holding_counts() -> None:
    """For each account and contract, one without a con id included."""
    rows = [
        Position(account=account, contract=contract, quantity=Decimal(quantity), average_cost=5.0)
        for account, contract, quantity in (
            ("DU1", Contract("A", 1), 5), ("DU1", Contract("X"), 1), ("DU2", Contract("A", 1), 7),
            ("DU1", Contract("A", 1, exchange="NASDAQ"), 0), ("DU1", Contract("Y"), 2),
        )
    ]  # fmt: skip
    assert [(one.account, one.contract.symbol, one.quantity) for one in merged_positions(rows)] == [
        ("DU1", "A", 0), ("DU1", "X", 1), ("DU2", "A", 7), ("DU1", "Y", 2),
    ]  # fmt: skip
