"""Features of a decision where a test cares about few of them."""

import dataclasses
import math
from datetime import datetime
from typing import Any

from momentum_kit.models import Features


def features_of(at: datetime, price: float, **given: Any) -> Features:
    """A move at `price`, USD, 10% below its limit-up band; what is not given is nan, a count 0."""
    numbers = {field.name: 0 if field.type in (int, "int") else math.nan for field in dataclasses.fields(Features)}
    return Features(**{**numbers, "at": at, "price": price, "luld_dist": 0.1, **given})
