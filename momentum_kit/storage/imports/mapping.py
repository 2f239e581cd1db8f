"""How a foreign table becomes archive rows: which column is what, in which time zone and unit, and of which symbol."""

import codecs
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from momentum_kit.errors import ArchiveError
from momentum_kit.storage.archive import BARS, BARS_5S, HEADLINES, names
from momentum_kit.yaml_files import read_yaml

Policy = Literal["drop", "keep", "refuse"]
Kind = Literal["bars_1m", "bars_5s", "quotes_1m", "quotes_5s", "headlines"]
EPOCHS = {"epoch_s": 1_000_000.0, "epoch_ms": 1_000.0, "epoch_us": 1.0, "epoch_ns": 0.001}  # microseconds each
HEADLINE_COLUMNS = ("provider", "article_id", "text", "published_at", "received_at", "symbol", "con_id")
HEADLINE_NEEDED = ("text", "published_at")
OPTIONAL = ("wap", "count", "bid_size", "ask_size")


class Mapping(BaseModel):
    """One mapping file; `momentum-kit data import csv PATH --map-file FILE`, or the same keys by --map KEY=VALUE.

    columns: our column -> theirs (or a list of theirs, joined by a blank: date and time). A column of the same name
    needs no entry. Bars need start, open, high, low, close, volume (wap and count if known); quotes start and the
    bid_ and ask_ columns of QuoteBar (sizes if known); headlines text and published_at (provider, article_id,
    received_at, symbol and con_id if known).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = "bars_1m"
    adjusted: bool | None = None
    """Prices are adjusted for splits or dividends; must be said for bars and quotes: the two are never mixed."""
    time_zone: str = ""
    """The zone of stamps that name none, such as America/New_York or UTC; without it they are refused."""
    time_format: str = "iso"
    """iso, epoch_s, epoch_ms, epoch_us, epoch_ns, or a strptime pattern such as %d.%m.%Y %H:%M."""
    stamp: Literal["start", "end"] = "start"
    """Whether a bar's time is that of its start or of its end."""
    symbol: str = ""
    """The symbol of every row, where no column `symbol` tells; '{file}' takes the file's name up to its first dot."""
    provider: str = ""
    """Headlines: the provider of every row, where no column tells."""
    separator: str = Field(default="", max_length=1)
    """Headlines: what separates several symbols in one cell, such as ','; each gets the headline."""
    price_scale: float = Field(default=1.0, gt=0)
    """Multiplies prices into USD: 0.01 for cents."""
    volume_scale: float = Field(default=1.0, gt=0)
    """Multiplies volumes and sizes into shares: 100 for round lots."""
    drop_empty: bool = False
    """Leave bars without volume out; otherwise they are refused, for a bar without a trade is none."""
    on_crossed: Policy = "refuse"
    """Quotes whose bid is above their ask: refused by name, or dropped, or kept as they are; counted either way."""
    on_one_sided: Policy = "keep"
    """Quotes of which a side is missing (no prices, or zeros): kept with that side unknown, dropped, or refused."""
    on_coarse: Literal["refuse", "keep"] = "refuse"
    """Rows that all stand on a longer interval (five minutes, a day): no bar of one minute holds a day's volume."""
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    """What separates the columns; 'tab' for the tab."""
    decimal: str = Field(default=".", min_length=1, max_length=1)
    """What separates whole dollars from parts: ',' in much of Europe."""
    thousands: str = Field(default="", max_length=1)
    """What groups digits, such as ',' in 1,000; blank where nothing does."""
    encoding: str = ""
    """The text's encoding, such as latin-1 or cp1252; by default what the byte order mark says, else UTF-8."""
    escape: str = Field(default="", max_length=1)
    """What stands before a quote inside quotes, such as a backslash; by default such a quote is doubled."""
    skip_rows: int = Field(default=0, ge=0)
    """Lines before the header (or before the first row) that are no table."""
    header: Literal["first", "none"] = "first"
    """Whether the first row names the columns; where none does, they are called 1, 2, 3 ... or as `names` says."""
    names: tuple[str, ...] = ()
    """The columns' names by position, instead of the header's; as text: start,open,high,low,close,volume."""
    columns: dict[str, str | tuple[str, ...]] = {}

    @field_validator("delimiter", mode="before")
    @classmethod
    def _tab(cls, mark: Any) -> Any:
        return "\t" if mark in ("tab", r"\t") else mark

    @field_validator("names", mode="before")
    @classmethod
    def _named_in_text(cls, names: Any) -> Any:
        return tuple(each.strip() for each in names.split(",")) if isinstance(names, str) else names

    @field_validator("columns", mode="before")
    @classmethod
    def _by_position(cls, columns: Any) -> Any:
        """Positions are names where there is no header: 2 is "2"."""
        if not isinstance(columns, dict):
            return columns
        return {
            name: [str(part) for part in each] if isinstance(each, list | tuple) else str(each)
            for name, each in columns.items()
        }

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            return codecs.lookup(encoding).name if encoding else ""
        except LookupError:
            raise ValueError(f"no such encoding: {encoding}; such as utf-8, latin-1, cp1252, utf-16") from None

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone:
            try:
                ZoneInfo(zone)
            except (OSError, KeyError, ValueError):
                raise ValueError(f"no such time zone: {zone}; New York is America/New_York") from None
        return zone

    @model_validator(mode="after")
    def _consistent(self) -> "Mapping":
        if self.kind != HEADLINES and self.adjusted is None:
            raise ValueError("say adjusted=false (prices as traded) or adjusted=true (changed for splits or dividends)")
        unknown = [name for name in self.columns if name not in self.known]
        if unknown:
            raise ValueError(f"columns: {self.kind} has no {unknown[0]}; it has {', '.join(self.known)}")
        marks = [mark for mark in (self.decimal, self.thousands, self.delimiter) if mark]
        if len(set(marks)) < len(marks) and (self.thousands != self.delimiter or self.thousands == self.decimal):
            raise ValueError(f"decimal, thousands and delimiter cannot be told apart: {' '.join(map(repr, marks))}")
        return self

    @property
    def known(self) -> tuple[str, ...]:
        """Every column that this kind may have."""
        return HEADLINE_COLUMNS if self.kind == HEADLINES else (*names(self.kind), "symbol", "currency")

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns it cannot do without."""
        if self.kind == HEADLINES:
            return HEADLINE_NEEDED
        return tuple(name for name in names(self.kind) if name not in OPTIONAL)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that hold numbers; every other one is text or a time."""
        return () if self.kind == HEADLINES else tuple(name for name in names(self.kind) if name != "start")

    @property
    def of_trades(self) -> bool:
        """True for bars of trades."""
        return self.kind in (BARS, BARS_5S)

    def sources(self, name: str) -> tuple[str, ...]:
        """The foreign columns behind one of ours."""
        found = self.columns.get(name, name)
        return (found,) if isinstance(found, str) else found


def load_mapping(file: Path | None, options: Sequence[str] = (), layout: MappingOf[str, Any] | None = None) -> Mapping:
    """A mapping from a YAML file, KEY=VALUE options over it ('columns.open=o'). ArchiveError names what is wrong.

    layout: values that both go over.
    """
    values: dict[str, Any] = {}
    if file:
        values = read_yaml(file, ArchiveError) or {}
        if not isinstance(values, dict):
            raise ArchiveError(f"{file}: expected keys and values")
    if layout:
        columns = {**layout.get("columns", {}), **_section(values, "columns", file)}
        values = {**layout, **values, "columns": columns}
    for option in options:
        key, equals, text = option.partition("=")
        if not equals:
            raise ArchiveError(f"--map {option}: expected KEY=VALUE")
        section, _, name = key.partition(".")
        if name:
            values[section] = {**_section(values, section, file), name: text}
        else:
            values[section] = text
    try:
        return Mapping.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        words = first["msg"].removeprefix("Value error, ")
        raise ArchiveError(f"{file or 'mapping'}: {f'{where}: ' if where else ''}{words}") from None


def _section(values: MappingOf[str, Any], name: str, file: Path | None) -> MappingOf[str, Any]:
    """What stands below a name; ArchiveError where that is no keys and values."""
    found = values.get(name) or {}
    if not isinstance(found, dict):
        raise ArchiveError(f"{file or 'mapping'}: {name}: expected keys and values")
    return found
