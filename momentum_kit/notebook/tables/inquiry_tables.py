"""What the broker answered to an inquiry -> tables: one row a value, contracts by symbol, UTC times."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, get_type_hints
from xml.etree import ElementTree

import pandas as pd

from momentum_kit.errors import BrokerError
from momentum_kit.models import Contract, OpenOrder, OrderRequest, ScanRow
from momentum_kit.notebook.tables.session_table import SessionTable

_CONTRACT = ("symbol", "con_id", "sec_type", "primary_exchange", "currency")
_LEFT_OUT = {
    OpenOrder: ("received_at",),
    OrderRequest: ("trailing_percent", "trailing_usd", "transmit", "parent_id", "oca_type"),
    ScanRow: ("distance", "benchmark", "projection"),  # words of IB's own window, empty for stocks
}


def inquiry_table(name: str, rows: Iterable[Any], kind: type, *, index: str = "", caption: str = "") -> SessionTable:
    """Rows of one kind as a table, with its columns also where there is no row. index: the column that becomes it."""
    found = [_flat(row) for row in rows]
    columns = list(_columns(kind))
    frame = pd.DataFrame(found, columns=columns)
    for column in columns:
        if _is_time(kind, column):
            frame[column] = pd.to_datetime(frame[column], utc=True)
    if index:
        frame = frame.set_index(index)
    return SessionTable.of(name, frame, caption=caption)


def scan_codes(document: str) -> SessionTable:
    """IB's document of scans -> each code, what it is called, and for which instruments it is there."""
    try:
        # expat 2.4 bounds what entities may grow to, and the document comes from the user's own gateway
        tree = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise BrokerError(f"the scanner's parameters cannot be read: {error}") from None
    rows = [
        (scan.findtext("scanCode", ""), scan.findtext("displayName", ""), scan.findtext("instruments", ""))
        for scan in tree.iter("ScanType")
    ]
    frame = pd.DataFrame(rows, columns=["code", "name", "instruments"]).drop_duplicates("code", ignore_index=True)
    return SessionTable.of("scan_codes", frame)


def _flat(row: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields(row):
        if field.name in _LEFT_OUT.get(type(row), ()):
            continue
        value = getattr(row, field.name)
        if isinstance(value, Contract):
            found |= {name: getattr(value, name) for name in _CONTRACT}
        elif is_dataclass(value):
            found |= _flat(value)
        else:
            found[field.name] = _plain(value)
    return found


def _columns(kind: type) -> dict[str, Any]:
    """Column -> its type, in the order of the fields."""
    found: dict[str, Any] = {}
    hints = get_type_hints(kind)
    for field in fields(kind):
        if field.name in _LEFT_OUT.get(kind, ()):
            continue
        hint = hints[field.name]
        if hint is Contract:
            found |= dict.fromkeys(_CONTRACT, str)
        elif is_dataclass(hint):
            found |= _columns(hint)  # type: ignore[arg-type]
        else:
            found[field.name] = hint
    return found


def _is_time(kind: type, column: str) -> bool:
    return _columns(kind)[column] in (datetime, datetime | None)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.value if isinstance(value, Enum) else value
