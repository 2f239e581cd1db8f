"""DataFrames that show themselves well: in a notebook's cell a table for people, for code the frame they are.

A subclass, because only that survives what people do next: a slice, `.head()`, a query, a sum or a pickle is of the
same class and shows itself likewise, while a Styler is no frame any more, and a formatter registered for DataFrame
would change everybody's. How a column looks follows from its name and its values; nothing of the data is changed.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

import pandas as pd

from momentum_kit.pages.blocks import Block, RenderedTable, word
from momentum_kit.pages.markup import PLAIN, ColumnHead, Html, gain, join, number, table, tag
from momentum_kit.pages.style import TABLE_STYLE
from momentum_kit.plain_text import plain_lines
from momentum_kit.sessions import NEW_YORK

FIRST_ROWS, LAST_ROWS = 5, 15  # shown of a frame that is longer than pandas' display.max_rows
DECIMALS = {"usd": 2, "bps": 1, "ms": 2, "s": 1}  # by the unit that ends a column's name
WRAPPED = 40  # characters: a column of longer texts breaks its lines
# what begins a formula in Excel, LibreOffice and Google Sheets, full-width forms included; a tab or a break hides it
FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
EXACT = 1e-6  # a price that is nearer to a whole cent than that is one

Row = Mapping[Hashable, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLook:
    """How one column is shown. unit: stands below a name that does not tell it.

    decimals: None lets the size of its numbers decide. exact_to: as many decimals, from two on, as show its numbers
    exactly, but no more than this. signed: green and red. plain: a number without thousands, such as an id. faint: of
    use to code rather than to people. show: what stands in a cell, from its value and its row.
    """

    unit: str = ""
    decimals: int | None = None
    exact_to: int | None = None
    signed: bool = False
    plain: bool = False
    faint: bool = False
    show: Callable[[Any, Row], object] | None = None


class ReadableFrame(pd.DataFrame):
    """A DataFrame whose cell output is for people: units below the names, New York time, decimals that matter."""

    LOOKS: ClassVar[Mapping[str, ColumnLook]] = {}
    """What a name alone does not tell."""
    caption: str = ""
    _metadata: ClassVar[list[str]] = ["caption"]  # pandas hands it on to slices, copies and pickles

    @property
    def _constructor(self) -> "Callable[..., ReadableFrame]":
        return type(self)

    def _repr_html_(self) -> str | None:
        if not pd.get_option("display.notebook_repr_html"):
            return None
        if self.columns.nlevels > 1 or not self.columns.is_unique:
            shown = pd.DataFrame(self).to_html(max_rows=pd.get_option("display.max_rows"))
            return tag("div", Html(plain_lines(shown)), PLAIN)
        return join((TABLE_STYLE, tag("div", self._table(), "mk mk-frame")))

    def __repr__(self) -> str:
        return plain_lines(super().__repr__())

    def to_csv(self, *given: Any, **named: Any) -> Any:
        """As pandas', for a spreadsheet as well: a text that it would take for a formula begins with an apostrophe."""
        return without_formulas(self).to_csv(*given, **named)

    def to_excel(self, *given: Any, **named: Any) -> None:  # type: ignore[misc]  # final to pandas' stubs alone
        """As pandas', with the same care."""
        without_formulas(self).to_excel(*given, **named)

    def _table(self) -> Html:
        frame = _with_index(self)
        shown, left_out = _ends(frame)
        day = _only_day(frame)
        columns = [_Column(shown[name], self.LOOKS.get(str(name)), day) for name in shown.columns]
        rows = [[column.cell(row) for column in columns] for row in shown.to_dict("records")]
        if left_out:
            rows.insert(FIRST_ROWS, [tag("span", f"\u22ee {left_out:,} more", "mk-faint")])
        counted = f"{len(frame):,} row{'' if len(frame) == 1 else 's'}" if len(frame) else ""
        title = ", ".join(filter(None, (self.caption, counted, f"{day:%A, %-d %B %Y}" if day else "")))
        empty = f"no rows yet; columns: {', '.join(map(str, shown.columns))}"
        return table(title, [column.head for column in columns], rows, empty)


@dataclass(frozen=True, slots=True)
class _FrameTable(RenderedTable):
    """A table of a page that a cell shows as the frame shows itself."""

    frame: ReadableFrame = field(default_factory=ReadableFrame)

    def cell(self) -> Html:
        shown = self.frame._repr_html_()
        return Html(shown) if shown else RenderedTable.cell(self)


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """A plain frame whose texts no spreadsheet takes for a formula: who opens a headline shall not run it."""
    plain = pd.DataFrame(frame)
    texts = [at for at, kind in enumerate(plain.dtypes) if kind.kind == "O" or isinstance(kind, pd.StringDtype)]
    if texts:
        plain = plain.copy()
        for at in texts:
            plain.isetitem(at, plain.iloc[:, at].map(_no_formula).array)
    return plain.set_axis(plain.columns.map(_no_formula), axis=1) if plain.columns.nlevels == 1 else plain


def _no_formula(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = plain_lines(value)  # a bare carriage return would begin a row, and with it a formula
    return f"'{text}" if text.lstrip().startswith(FORMULAS) else text


def frame_block(frame: pd.DataFrame) -> Block:
    """A frame as a block of a page: the frame itself in a notebook's cell, its words elsewhere."""
    words = RenderedTable.of(frame)
    readable = frame if isinstance(frame, ReadableFrame) else ReadableFrame(frame)
    return Block("table", table=_FrameTable(words.heads, words.rows, words.numbers, readable))


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """In front an index that says something; the numbers of rows are left out."""
    plain, index = pd.DataFrame(frame), frame.index
    if index.nlevels == 1 and index.name is None and index.dtype.kind in "iu":
        return plain
    taken = set(plain.columns)
    names = [name if name is not None else " " for name in index.names]  # a blank, since a column may be named ""
    return plain if taken & set(names) else plain.reset_index(names=names)


def _ends(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The first and the last rows of a long frame, and how many are left out between them."""
    most = pd.get_option("display.max_rows")
    if not most or len(frame) <= max(most, FIRST_ROWS + LAST_ROWS):
        return frame, 0
    return pd.concat([frame.iloc[:FIRST_ROWS], frame.iloc[-LAST_ROWS:]]), len(frame) - FIRST_ROWS - LAST_ROWS


def _only_day(frame: pd.DataFrame) -> date | None:
    """The one New York day of all its times: said once, and not in every cell."""
    times = [frame[name].dropna() for name in frame.columns if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]
    days = {day for each in times for day in each.dt.tz_convert(NEW_YORK).dt.date.unique()}
    return days.pop() if len(days) == 1 else None


class _Column:
    """One column on its way to the page."""

    def __init__(self, values: "pd.Series[Any]", look: ColumnLook | None, day: date | None) -> None:
        self._name, self._day = values.name, day
        self._timed = isinstance(values.dtype, pd.DatetimeTZDtype)
        self._number = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
        self._look = look or ColumnLook(decimals=DECIMALS.get(str(values.name).rpartition("_")[2]))
        self._decimals = _decimals(values.dropna(), self._look) if self._number else 0
        texts = values.dropna() if values.dtype.kind == "O" and self._look.show is None else ()
        self._wraps = any(len(str(each)) > WRAPPED for each in texts)

    @property
    def head(self) -> ColumnHead:
        unit = "New York" if self._timed else self._look.unit
        return ColumnHead(
            name=str(self._name), unit=unit, number=self._number and not self._look.plain, faint=self._look.faint
        )

    def cell(self, row: Row) -> object:
        """What stands in one row."""
        value = row[self._name]
        content = self._look.show(value, row) if self._look.show else self._words(value)
        if self._look.faint:
            return tag("span", content, "mk-faint")
        return tag("div", content, "mk-wrap") if self._wraps else content

    def _words(self, value: Any) -> object:
        if isinstance(value, list | tuple):
            return ", ".join(map(str, value))
        if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
            return tag("span", number(None), "mk-faint") if self._number or self._timed else ""
        if self._timed:
            return f"{value.tz_convert(NEW_YORK):{'%H:%M:%S' if self._day else '%Y-%m-%d %H:%M:%S'}}"
        if pd.api.types.is_bool(value):
            return "yes" if value else "no"
        if not self._number:
            return word(value)
        if self._look.signed:
            return gain(float(value), self._decimals)
        return str(value) if self._look.plain else number(value, self._decimals)


def _decimals(values: "pd.Series[Any]", look: ColumnLook) -> int:
    if look.decimals is not None:
        return look.decimals
    if pd.api.types.is_integer_dtype(values.dtype):
        return 0
    if look.exact_to is not None:
        shifted = (values * 10.0**places for places in range(2, look.exact_to))
        exact = (places for places, each in enumerate(shifted, 2) if ((each - each.round()).abs() < EXACT).all())
        return next(exact, look.exact_to)
    largest = float(values.abs().max()) if len(values) else 0.0
    return 0 if largest >= 1000 else 1 if largest >= 10 else 2
