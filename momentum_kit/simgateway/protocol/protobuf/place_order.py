"""placeOrder from its protobuf body, as the text wire would bring it; and an order's conditions in both directions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ibapi.protobuf.Order_pb2 import Order
from ibapi.protobuf.OrderCondition_pb2 import OrderCondition

from momentum_kit.simgateway.protocol.protobuf.session import as_text, fill
from momentum_kit.simgateway.protocol.text import LIST_SEPARATOR, MAX_LIST, ContractQuery, PlaceOrder
from momentum_kit.simgateway.protocol.wire import WireError

_SCALARS = tuple(field.name for field in Order.DESCRIPTOR.fields if not field.message_type)
# What follows type and conjunction on the text wire, by type of condition.
_CONDITION_FIELDS = {
    1: ("isMore", "price", "conId", "exchange", "triggerMethod"),
    3: ("isMore", "time"),
    4: ("isMore", "percent"),
    5: ("secType", "exchange", "symbol"),
    6: ("isMore", "volume", "conId", "exchange"),
    7: ("isMore", "changePercent", "conId", "exchange"),
}


def read_place_order(message: Any, contract: ContractQuery) -> PlaceOrder:
    """The order of a placeOrder; WireError where it has no id or a list is absurd."""
    if not message.HasField("orderId"):
        raise WireError("orderId is missing")
    order = message.order
    raw = {name: as_text(getattr(order, name)) if order.HasField(name) else "" for name in _SCALARS}
    raw["exchange"] = contract.exchange
    if order.algoStrategy:
        raw["algoParams"] = _pairs(order.algoParams)
    _conditions_into_raw(order.conditions, raw)
    return PlaceOrder(message.orderId, contract, raw)


def _pairs(tags: Mapping[str, str]) -> str:
    if len(tags) > MAX_LIST:
        raise WireError(f"a list of {len(tags)}")
    parts = (part.replace(LIST_SEPARATOR, " ") for pair in sorted(tags.items()) for part in pair)
    return LIST_SEPARATOR.join(parts)


def conditions_of_raw(raw: dict[str, str]) -> Iterator[Any]:
    """The conditions an order was placed with."""
    text = raw.get("conditions", "")
    fields = iter(text.split(LIST_SEPARATOR) if text else ())
    for kind in fields:
        condition = OrderCondition(type=int(kind), isConjunctionConnection=next(fields) == "a")
        fill(condition, {name: next(fields) for name in _CONDITION_FIELDS[int(kind)]})
        yield condition


def _conditions_into_raw(conditions: Iterable[Any], raw: dict[str, str]) -> None:
    """Keep the conditions of a request as the text wire would bring them; WireError for an unknown type."""
    listed = list(conditions)
    if not listed:
        return
    if len(listed) > MAX_LIST:
        raise WireError(f"a list of {len(listed)}")
    parts: list[str] = []
    for condition in listed:
        if condition.type not in _CONDITION_FIELDS:
            raise WireError(f"no condition has type {condition.type}")
        parts += [str(condition.type), "a" if condition.isConjunctionConnection else "o"]
        texts = (as_text(getattr(condition, name)) for name in _CONDITION_FIELDS[condition.type])
        parts += [text.replace(LIST_SEPARATOR, " ") for text in texts]
    raw["conditionsCount"], raw["conditions"] = str(len(listed)), LIST_SEPARATOR.join(parts)
