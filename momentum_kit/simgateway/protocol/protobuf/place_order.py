"""placeOrder from its protobuf body: every order field by ibapi attribute name, as from the text wire."""

from collections.abc import Mapping
from typing import Any

from ibapi.protobuf.Order_pb2 import Order

from momentum_kit.simgateway.protocol.protobuf.conditions import conditions_into_raw
from momentum_kit.simgateway.protocol.protobuf.session import as_text
from momentum_kit.simgateway.protocol.text.orders import LIST_SEPARATOR
from momentum_kit.simgateway.protocol.text.place_order import PlaceOrder
from momentum_kit.simgateway.protocol.text.requests import MAX_LIST, ContractQuery
from momentum_kit.simgateway.protocol.wire import WireError

_SCALARS = tuple(field.name for field in Order.DESCRIPTOR.fields if not field.message_type)


def read_place_order(message: Any, contract: ContractQuery) -> PlaceOrder:
    """The order of a placeOrder; WireError where it has no id or a list is absurd."""
    if not message.HasField("orderId"):
        raise WireError("orderId is missing")
    order = message.order
    raw = {name: as_text(getattr(order, name)) if order.HasField(name) else "" for name in _SCALARS}
    raw["exchange"] = contract.exchange
    if order.algoStrategy:
        raw["algoParams"] = _pairs(order.algoParams)
    conditions_into_raw(order.conditions, raw)
    return PlaceOrder(message.orderId, contract, raw)


def _pairs(tags: Mapping[str, str]) -> str:
    if len(tags) > MAX_LIST:
        raise WireError(f"a list of {len(tags)}")
    parts = (part.replace(LIST_SEPARATOR, " ") for pair in sorted(tags.items()) for part in pair)
    return LIST_SEPARATOR.join(parts)
