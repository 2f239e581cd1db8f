"""Order conditions between SimOrder.raw (their text fields) and protobuf, both ways."""

from collections.abc import Iterable, Iterator
from typing import Any

from ibapi.protobuf.OrderCondition_pb2 import OrderCondition

from momentum_kit.simgateway.protocol.protobuf.session import as_text, fill
from momentum_kit.simgateway.protocol.text.orders import LIST_SEPARATOR
from momentum_kit.simgateway.protocol.text.requests import MAX_LIST
from momentum_kit.simgateway.protocol.wire import WireError

# What follows type and conjunction on the text wire, by type of condition.
_FIELDS = {
    1: ("isMore", "price", "conId", "exchange", "triggerMethod"),
    3: ("isMore", "time"),
    4: ("isMore", "percent"),
    5: ("secType", "exchange", "symbol"),
    6: ("isMore", "volume", "conId", "exchange"),
    7: ("isMore", "changePercent", "conId", "exchange"),
}


def conditions_of_raw(raw: dict[str, str]) -> Iterator[Any]:
    """The conditions an order was placed with."""
    text = raw.get("conditions", "")
    fields = iter(text.split(LIST_SEPARATOR) if text else ())
    for kind in fields:
        condition = OrderCondition(type=int(kind), isConjunctionConnection=next(fields) == "a")
        fill(condition, {name: next(fields) for name in _FIELDS[int(kind)]})
        yield condition


def conditions_into_raw(conditions: Iterable[Any], raw: dict[str, str]) -> None:
    """Keep the conditions of a request as the text wire would bring them; WireError for an unknown type."""
    listed = list(conditions)
    if not listed:
        return
    if len(listed) > MAX_LIST:
        raise WireError(f"a list of {len(listed)}")
    parts: list[str] = []
    for condition in listed:
        if condition.type not in _FIELDS:
            raise WireError(f"no condition has type {condition.type}")
        parts += [str(condition.type), "a" if condition.isConjunctionConnection else "o"]
        texts = (as_text(getattr(condition, name)) for name in _FIELDS[condition.type])
        parts += [text.replace(LIST_SEPARATOR, " ") for text in texts]
    raw["conditionsCount"], raw["conditions"] = str(len(listed)), LIST_SEPARATOR.join(parts)
