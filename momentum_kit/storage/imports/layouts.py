"""Mappings of what US vendors ship, by name: `data import csv FILE --layout kibot`, `--headlines benzinga`.

Each is written from the vendor's own documentation, as of November 2026; what a file has otherwise is said by --map,
which goes over it. Where a vendor ships raw and adjusted prices alike and nothing in the file tells, `adjusted` is to
be said. Headlines carry stamps of publication only: nobody recorded when they could be read, so a study is IMPUTED.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from momentum_kit.errors import InputError
from momentum_kit.storage.imports.files import find_files, is_json, is_parquet
from momentum_kit.storage.imports.packed import open_bytes

Values = dict[str, Any]
NEW_YORK = "America/New_York"
_BY_POSITION = "start,open,high,low,close,volume"


def _polygon(_file: Path, _rows: list[list[str]]) -> Values:
    """Flat files, minute aggregates: massive.com/docs/flat-files (formerly polygon.io); nanoseconds, window's start."""
    columns = {"start": "window_start", "symbol": "ticker", "count": "transactions"}
    return {"time_format": "epoch_ns", "columns": columns}


def _databento(_file: Path, rows: list[list[str]]) -> Values:
    """CSV of ohlcv-1m: databento.com/docs/schemas/ohlcv; times and prices plain (1e-9 USD) or pretty, unadjusted."""
    values: Values = {"adjusted": False, "columns": {"start": "ts_event"}}
    told = dict(zip(rows[0], rows[1], strict=False)) if len(rows) > 1 else {}
    if re.fullmatch(r"\d+", told.get("ts_event", "")):
        values["time_format"] = "epoch_ns"
    if re.fullmatch(r"\d+", told.get("open", "")) and len(told["open"]) > 6:  # 0.001 USD in units of 1e-9
        values["price_scale"] = 1e-9
    return values


def _alpaca(_file: Path, _rows: list[list[str]]) -> Values:
    """Stock bars as alpaca-py's frame writes them: docs.alpaca.markets, adjustment raw unless asked otherwise."""
    columns = {"start": "timestamp", "count": "trade_count", "wap": "vwap"}
    return {"adjusted": False, "columns": columns}


def _firstrate(file: Path, _rows: list[list[str]]) -> Values:
    """No header, New York time, a bar's start; the name tells the adjustment: UNADJUSTED, adjsplit, adjsplitdiv."""
    values: Values = {"header": "none", "names": _BY_POSITION, "time_zone": NEW_YORK, "symbol": "{file}"}
    name = re.sub(r"[^a-z]", "", file.name.lower())
    if "unadjusted" in name or "adjsplit" in name:
        values["adjusted"] = "unadjusted" not in name
    return values


def _kibot(_file: Path, _rows: list[list[str]]) -> Values:
    """Date, time, prices, volume, no header: kibot.com/Data_Format.aspx; adjusted for splits and dividends."""
    return {
        "header": "none", "names": f"date,time,{_BY_POSITION.partition(',')[2]}", "adjusted": True, "symbol": "{file}",
        "time_zone": NEW_YORK, "time_format": "%m/%d/%Y %H:%M", "columns": {"start": ["date", "time"]},
    }  # fmt: skip


def _ib(_file: Path, rows: list[list[str]]) -> Values:
    """BarData of reqHistoricalData (TRADES) as a table: split-adjusted; also minutes without a trade."""
    heads = rows[0] if rows else []
    average = "average" if "average" in heads else "wap"
    values: Values = {"adjusted": True, "drop_empty": True, "symbol": "{file}"}
    values["columns"] = {"start": "date", "count": "barCount", "wap": average}
    if "symbol" in heads:
        del values["symbol"]
    told = dict(zip(heads, rows[1], strict=False)).get("date", "") if len(rows) > 1 else ""
    if found := re.fullmatch(r"\d{8} {1,2}[\d:]{8}(?: (\S+))?", told.strip()):
        zone = found[1] or NEW_YORK
        between = "  " if "  " in told else " "
        values["time_format"] = f"%Y%m%d{between}%H:%M:%S{f' {found[1]}' if found[1] else ''}"
        values["time_zone"] = zone
    elif re.fullmatch(r"\d+", told):
        values["time_format"] = "epoch_s"
    elif re.fullmatch(r"\d{8}-[\d:]{8}", told):
        values |= {"time_format": "%Y%m%d-%H:%M:%S", "time_zone": "UTC"}
    return values


def _benzinga(_file: Path, _rows: list[list[str]]) -> Values:
    """Newsfeed v2, JSON: docs.benzinga.io/benzinga/newsfeed-v2.html; `created` in the form of mail, whole seconds."""
    columns = {"published_at": "created", "text": "title", "article_id": "id", "symbol": "stocks"}
    return {"provider": "BZ", "time_format": "%a, %d %b %Y %H:%M:%S %z", "separator": ",", "columns": columns}


def _polygon_news(_file: Path, _rows: list[list[str]]) -> Values:
    """Ticker news v2, JSON: `published_utc`, whole seconds, and the tickers of each article."""
    columns = {
        "published_at": "published_utc", "text": "title", "article_id": "id", "symbol": "tickers",
        "provider": "publisher.name",
    }  # fmt: skip
    return {"separator": ",", "columns": columns}


def _generic(_file: Path, _rows: list[list[str]]) -> Values:
    """Columns with the names of ours: published_at, text, provider, and symbols joined by commas, if known."""
    return {"separator": ","}


Layout = Callable[[Path, list[list[str]]], Values]
LAYOUTS: Mapping[str, Layout] = {
    "polygon": _polygon,
    "databento": _databento,
    "alpaca": _alpaca,
    "firstrate": _firstrate,
    "kibot": _kibot,
    "ib": _ib,
}
HEADLINE_LAYOUTS: Mapping[str, Layout] = {"benzinga": _benzinga, "polygon": _polygon_news, "generic": _generic}


def layout_values(path: Path, kind: str, *, series: str = "", headlines: str = "") -> Values:
    """What a layout says of the files at a path, as a mapping's values; InputError for a name that is none."""
    if series and headlines:
        raise InputError("--layout is of bars, --headlines of headlines: give one of them")
    known, name = (LAYOUTS, series) if series else (HEADLINE_LAYOUTS, headlines)
    if not name:
        return {}
    if name not in known:
        option = "--layout" if series else "--headlines"
        raise InputError(f"{option} {name}: no such layout; known: {', '.join(known)}")
    first = find_files(path, kind)[0]
    values = known[name](first, _first_rows(first))
    return values | ({"kind": "headlines"} if headlines else {})


def _first_rows(file: Path) -> list[list[str]]:
    """The header and the first row of a text file; what cannot be read is told when it is imported."""
    if is_parquet(file) or is_json(file):
        return []
    with io.TextIOWrapper(open_bytes(file), encoding="utf-8", errors="replace") as text:
        lines = [text.readline(1 << 16) for _ in range(2)]
    return [row for row in csv.reader(lines) if row]
