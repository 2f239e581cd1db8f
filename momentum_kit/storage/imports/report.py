"""What an import did, and what every import says when it refuses."""

from collections import Counter
from dataclasses import dataclass, field

REMEDY = "nothing was imported; replace or remove the file and import again"
ONE_SIDED = "quotes have one side only, the other is unknown"
CROSSED = "crossed quotes (bid above ask)"
NO_VOLUME = "bars whose volume is unknown"
NO_STOCK = "symbols of headlines that are no US stock, left out"
AHEAD = "headlines received before they were published (clocks differ)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did: parts added or replaced, parts the archive already had, rows read; days as YYYY-MM-DD.

    A part is one symbol's day of one kind, or one headline. marks: what is unusual about the rows and how many are,
    such as {"quotes have one side only, the other is unknown": 5}.
    """

    imported: int
    unchanged: int
    rows: int
    symbols: tuple[str, ...]
    days: tuple[str, ...]
    marks: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        reach = f"{len(self.days)} days from {self.days[0]} to {self.days[-1]}" if len(self.days) > 1 else ""
        parts = f"{self.imported} imported, {self.unchanged} already there"
        some = f"{', '.join(self.symbols[:8])}{f' and {len(self.symbols) - 8} more' if len(self.symbols) > 8 else ''}"
        told = "".join(f"; {count:,} {what}" for what, count in sorted(self.marks.items()))
        return f"{parts}: {self.rows:,} rows of {some or 'no symbol'}, {reach or ''.join(self.days) or 'no day'}{told}"
