"""Headlines of a foreign table; received_at stays empty where nobody recorded it."""

import hashlib
from collections import Counter
from zoneinfo import ZoneInfo

import numpy as np

from momentum_kit.models import Contract, Headline, HeadlinePhase
from momentum_kit.plain_text import plain_text
from momentum_kit.storage.archive import from_micros
from momentum_kit.storage.imports.files import ForeignTable
from momentum_kit.storage.imports.report import AHEAD, NO_STOCK
from momentum_kit.storage.imports.series import read_symbol
from momentum_kit.storage.imports.times import BadRow, to_micros

MOST_TEXT = 20_000  # characters of a headline; a rule reads 1,000 of them
FEW = 4  # headlines whose stamps may all be a midnight by chance
MOST_NAME = 200  # of a provider or an article id
MOST_AHEAD_US = 60_000_000  # clocks differ by less than a minute; beyond it one of the times is in another zone


def headlines_in(table: ForeignTable, marks: Counter[str]) -> list[Headline]:
    """Every row as a headline. Raises BadRow for the first that has no text, no time or is there twice.

    Without an article_id the text, provider and time make one, so importing again changes nothing. A reception a
    little before the publication is two clocks' difference: taken as it stands, and counted in marks.
    """
    mapping = table.mapping
    published, received = _times(table, "published_at"), _times(table, "received_at")
    texts, providers = table.texts("text"), table.texts("provider")
    articles, symbols = table.texts("article_id"), table.texts("symbol")
    con_ids = table.texts("con_id")
    _not_dates([at for at in published if at is not None], mapping.time_zone)
    found: dict[tuple[str, str, str], Headline] = {}
    for index, words in enumerate(texts):
        text = plain_text(words, MOST_TEXT)
        provider = plain_text(providers[index] or mapping.provider, MOST_NAME)
        named = symbols[index] or mapping.symbol
        at = published[index]
        if not text or at is None:
            raise BadRow(index, "no text" if not text else "no time")
        if not provider:
            raise BadRow(index, "no provider; give --map provider=NAME or columns.provider=...")
        own = f"{provider} {at} {text}".encode()  # what was plain stays the same article
        article = plain_text(articles[index], MOST_NAME) or hashlib.sha256(own).hexdigest()[:16]
        heard = received[index]
        if heard is not None and heard < at:
            if at - heard > MOST_AHEAD_US:
                raise BadRow(index, "received before it was published; is one of the times in another zone?")
            marks[AHEAD] += 1
        con_id = _con_id(con_ids[index], index)
        for symbol in _symbols(named, mapping.separator, index, marks):
            key = (provider, article, symbol)
            if key in found:
                raise BadRow(index, f"duplicate: {provider} {article} stands in the file twice")
            found[key] = Headline(
                provider=provider, article_id=article, text=text, published_at=from_micros(at),
                received_at=from_micros(heard) if heard is not None else None, extra="",
                contract=Contract(symbol, con_id) if symbol else None,
                phase=HeadlinePhase.LIVE if heard is not None else HeadlinePhase.BACKFILL,
            )  # fmt: skip
    return list(found.values())


def _symbols(named: str, separator: str, index: int, marks: Counter[str]) -> list[str]:
    """The symbols of one cell, each once; one blank where there is none.

    Of several, those that are no US stock (X:BTCUSD, a preferred) are left out and counted; one alone is refused.
    """
    if not named:
        return [""]
    # a list that a tool wrote as text, ["AAPL", 'MSFT'], is a list
    several = [each.strip(" []'\"") for each in named.split(separator)] if separator else [named]
    symbols = {each: read_symbol(each) for each in several if each}
    if not separator and None in symbols.values():
        raise BadRow(index, f"{named!r} is not a symbol")
    if None in symbols.values():
        marks[NO_STOCK] += sum(symbol is None for symbol in symbols.values())
    return list(dict.fromkeys(symbol for symbol in symbols.values() if symbol)) or [""]


def _times(table: ForeignTable, name: str) -> list[int | None]:
    column = table.column(name)
    if column is None:
        return [None] * table.rows.num_rows
    known = np.flatnonzero([value not in (None, "") for value in column.to_pylist()])
    if not known.size:
        return [None] * table.rows.num_rows
    try:
        times = to_micros(column.take(known), table.mapping)
    except BadRow as error:
        raise BadRow(int(known[error.index]), str(error)) from None
    by_index: dict[int, int] = dict(zip(known.tolist(), times.tolist(), strict=True))
    return [by_index.get(index) for index in range(table.rows.num_rows)]


def _not_dates(published: list[int], zone: str) -> None:
    """BadRow for a table in which every stamp is a midnight: a study would hear each story hours before anybody did."""
    midnight = {(0, 0, 0, 0)}
    for name in {zone or "UTC", "UTC", "America/New_York"}:
        there = [from_micros(at).astimezone(ZoneInfo(name)) for at in published]
        if len(there) >= FEW and {(at.hour, at.minute, at.second, at.microsecond) for at in there} == midnight:
            raise BadRow(0, f"every headline stands at midnight ({name}): days, not times; they tell no reaction")


def _con_id(text: str, index: int) -> int:
    try:
        return int(float(text)) if text else 0
    except ValueError:
        raise BadRow(index, f"con_id is {text!r}, not a number") from None
