"""Reads files of labelled headlines and labelled pairs, one JSON object a line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from momentum_kit.errors import InputError
from momentum_kit.json_text import parse_json
from momentum_kit.models import Catalyst, canonical_symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledHeadline:
    """A headline and what a person read in it; a label is None where the file has none.

    tickers: the listed companies concerned. subject: whom it is mainly about, empty for none and for several.
    catalysts: the right one first, then what would be right as well. dilution: new shares are sold or promised.
    bar: a long-momentum trader would not buy on it. late: a recap of a move that is over.
    """

    key: str
    text: str
    source: str = ""
    provider: str = ""
    tickers: frozenset[str] | None = None
    subject: str | None = None
    catalysts: tuple[str, ...] = ()
    dilution: bool | None = None
    bar: bool | None = None
    late: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPair:
    """Two headlines, whether they tell one story, and what makes them differ or look alike."""

    a: str
    b: str
    same: bool
    why: str = ""


def load_labels(file: Path) -> tuple[list[LabelledHeadline], list[LabelledPair]]:
    """Headlines (rows with `text`) and pairs (rows with `a`, `b` and `same`) of a file, in its order.

    Raises InputError, with the row, for what is neither or has a label of a wrong kind.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{file}: not readable ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: no UTF-8 at byte {error.start}") from None
    headlines: list[LabelledHeadline] = []
    pairs: list[LabelledPair] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _Row(f"{file}, row {number}", line)
        if "a" in row.values or "b" in row.values:
            pairs.append(row.pair())
        else:
            headlines.append(row.headline(str(number)))
    if not headlines and not pairs:
        raise InputError(f"{file}: no labelled headlines; expected one JSON object a line, with text and labels")
    return headlines, pairs


class _Row:
    """One line, read field by field; every complaint names it."""

    def __init__(self, place: str, line: str) -> None:
        self._place = place
        try:
            values = parse_json(line)
        except ValueError as error:
            raise InputError(f"{place}: no JSON ({str(error).splitlines()[0]})") from None
        if not isinstance(values, dict):
            raise self._wrong("expected an object with text and labels, or with a, b and same")
        self.values: Mapping[str, Any] = values

    def headline(self, number: str) -> LabelledHeadline:
        tickers, subject = self._symbols("tickers"), self._text("subject")
        key = self.values.get("id", number)
        if isinstance(key, dict | list):
            raise self._wrong("id must be a text or a number")
        return LabelledHeadline(
            key=str(key),
            text=self._needed("text"),
            source=self._text("source") or "",
            provider=self._text("provider") or "",
            tickers=None if tickers is None else frozenset(tickers),
            subject=canonical_symbol(subject or "") if "subject" in self.values else None,
            catalysts=self._catalysts(),
            dilution=self._flag("dilution"),
            bar=self._flag("bar"),
            late=self._flag("late"),
        )

    def pair(self) -> LabelledPair:
        same = self._flag("same")
        if same is None:
            raise self._wrong("a pair needs same: true or false")
        return LabelledPair(a=self._needed("a"), b=self._needed("b"), same=same, why=self._text("why") or "")

    def _wrong(self, words: str) -> InputError:
        return InputError(f"{self._place}: {words}")

    def _needed(self, name: str) -> str:
        value = self._text(name)
        if not value:
            raise self._wrong(f"no {name}")
        return value

    def _text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(f"{name} must be a text, not {json.dumps(value)[:40]}")
        return value

    def _flag(self, name: str) -> bool | None:
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(f"{name} must be true or false, not {json.dumps(value)[:40]}")
        return value

    def _symbols(self, name: str) -> list[str] | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._wrong(f"{name} must be a list of symbols, not {json.dumps(value)[:40]}")
        return [canonical_symbol(each) for each in value]

    def _catalysts(self) -> tuple[str, ...]:
        first, others = self._text("catalyst"), self.values.get("alt") or []
        if not isinstance(others, list) or not all(isinstance(each, str) for each in others):
            raise self._wrong(f"alt must be a list of catalysts, not {json.dumps(others)[:40]}")
        found = (first, *others) if first else ()
        for name in found:
            if name not in set(Catalyst):
                raise self._wrong(f"catalyst {name!r} is none of {', '.join(Catalyst)}")
        return found
