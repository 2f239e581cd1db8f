"""What a comparison tells, and how its amounts, deals and corrections read."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.sessions import in_words
from momentum_kit.trading.statement.values import BookFill, StatementFill

CENT = Decimal("0.005")  # amounts that differ by less are the same to the cent
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementDifference:
    """One thing that book and statement do not agree on; con_id 0 and no symbol where it is of no contract.

    follows: it comes of differences of the contract's fills, which are told as well.
    """

    kind: str
    symbol: str
    con_id: int
    words: str
    exec_id: str = ""
    follows: bool = False

    def __str__(self) -> str:
        what = f"{self.kind}: {self.symbol + ', ' if self.symbol else ''}{self.words}"
        where = f" [{self.exec_id}]" if self.exec_id else ""
        return what + where + (" (follows from its fills)" if self.follows else "")


def whole(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum, or None where a part of it is unknown."""
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def deal(fill: BookFill | StatementFill) -> str:
    """A fill in words."""
    verb = "purchase" if fill.shares > 0 else "sale"
    at = f" ({in_words(fill.time, '%H:%M:%S')})" if fill.time else ""
    return f"{verb} of {abs(fill.shares):f} at {fill.price:f}{at}"


def counted(number: int, what: str) -> str:
    """`1 fee`, `2 fees`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def amounts(here: Decimal, there: Decimal, *, plus: bool = False) -> tuple[str, str]:
    """To the cent, and finer where that would show the same."""
    sign = "+" if plus else ""
    cents = f"{here:{sign}.2f}", f"{there:{sign}.2f}"
    return cents if cents[0] != cents[1] else (f"{here:{sign}.4f}", f"{there:{sign}.4f}")
