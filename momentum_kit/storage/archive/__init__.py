"""The Parquet archive: bars, quotes, headlines, executions and listings, each with its provenance."""

from momentum_kit.storage.archive.archive import Archive
from momentum_kit.storage.archive.event_rows import DatedMaster, Listing, joined_spans
from momentum_kit.storage.archive.files import now
from momentum_kit.storage.archive.rows import (
    BARS,
    BARS_5S,
    HEADLINES,
    QUOTES,
    QUOTES_5S,
    SECONDS,
    SYMBOL,
    SYMBOLS,
    Columns,
    Provenance,
    QuoteBar,
    Series,
    Span,
    day_bounds,
    from_micros,
    in_days,
    micros,
    names,
)

__all__ = [
    "BARS",
    "BARS_5S",
    "HEADLINES",
    "QUOTES",
    "QUOTES_5S",
    "SECONDS",
    "SYMBOL",
    "SYMBOLS",
    "Archive",
    "Columns",
    "DatedMaster",
    "Listing",
    "Provenance",
    "QuoteBar",
    "Series",
    "Span",
    "day_bounds",
    "from_micros",
    "in_days",
    "joined_spans",
    "micros",
    "names",
    "now",
]
