"""The rows of an answer without an id, and what was said while it came -> each order, each holding, as last said."""

from collections.abc import Iterable
from dataclasses import replace

from momentum_kit.models import OpenOrder, OrderUpdate, Position


def merged_positions(rows: Iterable[Position]) -> tuple[Position, ...]:
    """One row for each account and contract: the last one."""
    return tuple({(row.account, row.contract.con_id or row.contract): row for row in rows}.values())


def merged_orders(said: Iterable[OpenOrder | OrderUpdate]) -> tuple[OpenOrder, ...]:
    """One row for each order: its latest form with its latest status; a status alone lists nothing.

    An order is told by its perm id, and by client and order id while it has none: order ids may begin anew, also on the
    same day.
    """
    found: list[OpenOrder] = []
    for event in said:
        place = next((place for place, order in enumerate(found) if _same(order, event)), None)
        if isinstance(event, OrderUpdate):
            if place is not None:
                order = found[place]
                filled = max(order.filled, event.filled)
                perm_id = order.perm_id or event.perm_id
                found[place] = replace(order, status=event.status, filled=filled, perm_id=perm_id)
        elif place is None:
            found.append(event)
        else:
            known = found[place]
            found[place] = replace(
                event, filled=max(event.filled, known.filled), perm_id=event.perm_id or known.perm_id
            )
    return tuple(found)


def _same(order: OpenOrder, event: OpenOrder | OrderUpdate) -> bool:
    if order.perm_id and event.perm_id:
        return order.perm_id == event.perm_id
    order_id = event.order_id if isinstance(event, OrderUpdate) else event.request.order_id
    return (order.client_id, order.request.order_id) == (event.client_id, order_id) and order_id != 0
