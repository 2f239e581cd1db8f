"""Headlines of a foreign table; received_at stays empty where nobody recorded it."""

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from momentum_kit.models import Contract, Headline, HeadlinePhase
from momentum_kit.storage.archive import from_micros
from momentum_kit.storage.imports.mapping import Mapping
from momentum_kit.storage.imports.times import BadRow, to_micros

if TYPE_CHECKING:
    from momentum_kit.storage.imports.table import Table


def headlines_in(table: "Table", mapping: Mapping) -> list[Headline]:
    """Every row as a headline. Raises BadRow for the first that has no text, no time or is there twice.

    Without an article_id the text, provider and time make one, so importing again changes nothing.
    """
    published, received = _times(table, mapping, "published_at"), _times(table, mapping, "received_at")
    texts, providers = _texts(table, mapping, "text"), _texts(table, mapping, "provider")
    articles, symbols = _texts(table, mapping, "article_id"), _texts(table, mapping, "symbol")
    con_ids = _texts(table, mapping, "con_id")
    found: dict[tuple[str, str, str], Headline] = {}
    for index, text in enumerate(texts):
        provider, symbol = providers[index] or mapping.provider, (symbols[index] or mapping.symbol).upper()
        at = published[index]
        if not text or at is None:
            raise BadRow(index, "no text" if not text else "no time")
        if not provider:
            raise BadRow(index, "no provider; give --map provider=NAME or columns.provider=...")
        article = articles[index] or hashlib.sha256(f"{provider} {at} {text}".encode()).hexdigest()[:16]
        contract = Contract(symbol, _con_id(con_ids[index], index)) if symbol else None
        key = (provider, article, symbol)
        if key in found:
            raise BadRow(index, f"duplicate: {provider} {article} stands in the file twice")
        heard = received[index]
        if heard is not None and heard < at:
            raise BadRow(index, "received before it was published; is one of the times in another zone?")
        found[key] = Headline(
            provider, article, text, from_micros(at), from_micros(heard) if heard is not None else None, "",
            contract, HeadlinePhase.LIVE if heard is not None else HeadlinePhase.BACKFILL,
        )  # fmt: skip
    return list(found.values())


def _times(table: "Table", mapping: Mapping, name: str) -> list[int | None]:
    column = table.column(mapping, name)
    if column is None:
        return [None] * table.rows.num_rows
    known = np.flatnonzero([value not in (None, "") for value in column.to_pylist()])
    if not known.size:
        return [None] * table.rows.num_rows
    try:
        times = to_micros(column.take(known), mapping)
    except BadRow as error:
        raise BadRow(int(known[error.index]), str(error)) from None
    by_index: dict[int, int] = dict(zip(known.tolist(), times.tolist(), strict=True))
    return [by_index.get(index) for index in range(table.rows.num_rows)]


def _texts(table: "Table", mapping: Mapping, name: str) -> list[str]:
    column = table.column(mapping, name)
    if column is None:
        return [""] * table.rows.num_rows
    values: list[Any] = column.to_pylist()
    return ["" if value is None else str(value).strip() for value in values]


def _con_id(text: str, index: int) -> int:
    try:
        return int(float(text)) if text else 0
    except ValueError:
        raise BadRow(index, f"con_id is {text!r}, not a number") from None
