"""Share: so many of so many, with the interval that so few allow."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_Z = 1.959964  # normal quantile of a two-sided interval of 95%


@dataclass(frozen=True, slots=True)
class Share:
    """hits of `of`; value and interval are nan of none."""

    hits: int
    of: int

    @classmethod
    def counted(cls, outcomes: Iterable[bool]) -> "Share":
        """The share of True."""
        listed = list(outcomes)
        return cls(sum(listed), len(listed))

    @property
    def value(self) -> float:
        """0..1."""
        return self.hits / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95%: it stays within 0..1, and says something of 30 of 30 as well."""
        if not self.of:
            return math.nan, math.nan
        n, share = self.of, self.hits / self.of
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        reach = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
        return max(0.0, middle - reach), min(1.0, middle + reach)

    def as_dict(self) -> dict[str, float]:
        """The share as `--json` prints it; nan of none."""
        low, high = self.interval
        return {"value": self.value, "low": low, "high": high, "hits": self.hits, "of": self.of}

    def __str__(self) -> str:
        if not self.of:
            return f"{'-':>6} {'':17} {'':>11}"
        low, high = self.interval
        return f"{self.value:6.3f} ({low:.3f} to {high:.3f}) {f'{self.hits}/{self.of}':>11}"
