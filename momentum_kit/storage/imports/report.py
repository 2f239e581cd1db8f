"""What an import did, and what every import says when it refuses."""

from dataclasses import dataclass

REMEDY = "nothing was imported; replace or remove the file and import again"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: parts added or replaced, parts the archive already had, rows read; days as YYYY-MM-DD.

    A part is one symbol's day of one kind, or one headline. one_sided: quotes of which only bid or ask is known.
    """

    imported: int
    unchanged: int
    rows: int
    symbols: tuple[str, ...]
    days: tuple[str, ...]
    one_sided: int = 0

    def __str__(self) -> str:
        reach = self.days[0] if len(self.days) == 1 else f"{len(self.days)} days from {self.days[0]} to {self.days[-1]}"
        parts = f"{self.imported} imported, {self.unchanged} already there"
        some = f"{', '.join(self.symbols[:8])}{f' and {len(self.symbols) - 8} more' if len(self.symbols) > 8 else ''}"
        told = f"; {self.one_sided:,} quotes have one side only, the other is unknown" if self.one_sided else ""
        return f"{parts}: {self.rows:,} rows of {some or 'no symbol'}, {reach}{told}"
