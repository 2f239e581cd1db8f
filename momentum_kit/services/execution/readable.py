"""Whether the broker's numbers can be counted with; asked of every event before anything follows from it."""

from decimal import Decimal

from momentum_kit.models import Execution, OpenOrder, OrderUpdate, Position
from momentum_kit.ports import OrderEvent


def unreadable(event: OrderEvent | Position) -> str:
    """What of it is no number of shares, for a person; empty where all can be counted with.

    The bridge lets none of these through; another broker behind the port may.
    """
    match event:
        case OrderUpdate(filled=filled, remaining=remaining):
            sizes = {"filled": filled, "remaining": remaining}
        case OpenOrder(filled=filled, request=request):
            sizes = {"filled": filled, "quantity": request.quantity}
        case Execution(shares=shares):
            sizes = {"shares": shares}
        case Position(quantity=quantity):
            return "" if quantity.is_finite() else f"quantity {quantity}"
        case _:
            return ""
    return ", ".join(f"{name} {size}" for name, size in sizes.items() if not _is_size(size))


def _is_size(size: Decimal) -> bool:
    return size.is_finite() and size >= 0
