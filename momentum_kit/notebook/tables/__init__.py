"""A session's journal as DataFrames: as they are for code, and as a kit hands them out."""

from momentum_kit.notebook.tables.inquiry_tables import inquiry_table, scan_codes
from momentum_kit.notebook.tables.journal_tables import (
    Series,
    decisions,
    equity,
    fills,
    headlines,
    items,
    marks,
    orders,
    positions,
    round_trips,
    table,
)
from momentum_kit.notebook.tables.session_table import SessionTable

__all__ = [
    "Series",
    "SessionTable",
    "decisions",
    "equity",
    "fills",
    "headlines",
    "inquiry_table",
    "items",
    "marks",
    "orders",
    "positions",
    "round_trips",
    "scan_codes",
    "table",
]
