"""What a day's sales realised after costs, first in first out and exact to the last digit; for the comparison."""

from collections import deque
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from momentum_kit.sessions import exchange_day


class Traded(NamedTuple):
    """What the arithmetic needs of a fill of one contract; shares are signed, cost is positive, USD."""

    time: datetime
    shares: Decimal
    price: Decimal
    cost: Decimal


def realised_on(day: date, fills: Iterable[Traded]) -> Decimal | None:
    """Net gain of what was sold on a day, USD; None where more was sold than these fills bought.

    A lot carries its share of what buying cost, as IB nets commissions into the cost basis.
    """
    lots: deque[tuple[Decimal, Decimal]] = deque()  # shares, and what they cost altogether
    gain = Decimal(0)
    for fill in sorted(fills, key=lambda each: (each.time, each.shares < 0)):
        if fill.shares > 0:
            lots.append((fill.shares, fill.shares * fill.price + fill.cost))
            continue
        left, paid = -fill.shares, Decimal(0)
        while left and lots:
            shares, cost = lots.popleft()
            part = min(shares, left)
            share = cost if part == shares else cost * part / shares
            paid, left = paid + share, left - part
            if part < shares:
                lots.appendleft((shares - part, cost - share))
        if exchange_day(fill.time) != day:
            continue
        if left:
            return None
        gain += -fill.shares * fill.price - fill.cost - paid
    return gain
