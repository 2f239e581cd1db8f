"""Words and tables as blocks of a page: text on a terminal, Markdown in a file, HTML in a file or in a cell.

A result is a list of blocks (headings, sentences, warnings, tables); `Shown` lets it show itself in a notebook. What is
not known is a dash and never a zero.
"""

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from momentum_kit.errors import StorageError
from momentum_kit.pages.markup import PLAIN, ColumnHead, Html, join, table, tag
from momentum_kit.pages.style import TABLE_STYLE
from momentum_kit.plain_text import plain_lines, plain_text
from momentum_kit.private_files import write_whole
from momentum_kit.sessions import NEW_YORK

MOST_SHOWN = 10_000  # characters of one cell or sentence


@dataclass(frozen=True, slots=True)
class RenderedTable:
    """Heads and cells in words; numbers: the columns whose cells are, and stand to the right."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()

    @classmethod
    def of(cls, frame: pd.DataFrame, digits: Mapping[str, int] | None = None) -> "RenderedTable":
        """A frame without its index. digits: decimals by column, 1 for the others; None: by the size of its numbers."""
        names = [str(name) for name in frame.columns]
        words = [_column(frame.iloc[:, at], digits, name) for at, name in enumerate(names)]
        numbers = (at for at in range(len(names)) if pd.api.types.is_numeric_dtype(frame.iloc[:, at].dtype))
        return cls(names, list(zip(*words, strict=True)), frozenset(numbers))

    def text(self) -> str:
        """In columns, two blanks apart; no cell goes on in another line."""
        lines = [[plain_text(cell, MOST_SHOWN) for cell in line] for line in (self.heads, *self.rows)]
        wide = [max(len(line[at]) for line in lines) for at in range(len(self.heads))]
        return "\n".join(
            "  ".join(
                cell.rjust(wide[at]) if at in self.numbers else cell.ljust(wide[at]) for at, cell in enumerate(line)
            ).rstrip()
            for line in lines
        )

    def markdown(self) -> str:
        """As a pipe table."""
        header, *rows = [[markdown_text(cell) for cell in line] for line in (self.heads, *self.rows)]
        lines = [header, ["---"] * len(header), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def html(self) -> str:
        """As a plain table, for a page that has a style sheet of its own."""
        head = "".join(f"<th>{_escaped(cell)}</th>" for cell in self.heads)
        body = "".join("<tr>" + "".join(f"<td>{_escaped(cell)}</td>" for cell in row) + "</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def cell(self) -> Html:
        """As a notebook's cell shows every table of the kit."""
        heads = [ColumnHead(name=words, number=at in self.numbers) for at, words in enumerate(self.heads)]
        return join((TABLE_STYLE, tag("div", table("", heads, self.rows, "no rows"), "mk mk-frame")))


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a page: a heading, a sentence, a warning, a table, or a picture.

    picture: its markup, beside the words for it in `text` and the name of its file in `file`, for Markdown.
    """

    kind: Literal["title", "heading", "text", "warning", "table", "picture"]
    text: str = ""
    table: RenderedTable | None = None
    picture: Html | None = None
    file: str = ""

    def markdown(self) -> str:
        """The block as Markdown."""
        if self.picture is not None:
            return f"![{self.text}]({self.file})"
        if self.table is not None:
            return self.table.markdown()
        before, after = {"title": ("# ", ""), "heading": ("## ", ""), "warning": ("> **", "**"), "text": ("", "")}[
            self.kind
        ]
        return f"{before}{markdown_text(self.text)}{after}"

    def html(self, aligned: bool = False, below: int = 0) -> str:
        """The block as HTML; below: levels by which headings stand deeper than a page's own."""
        if self.picture is not None:
            return self.picture
        if self.table is not None:
            return self.table.cell() if aligned else self.table.html()
        tags = {"title": f"h{1 + below}", "heading": f"h{2 + below}", "text": "p", "warning": 'p class="warning"'}
        tag = tags[self.kind]
        if aligned and self.kind == "warning":
            tag = f'p style="{_WARNING}"'
        return f"<{tag}>{_escaped(self.text)}</{tag.split()[0]}>"


_SPECIAL = re.compile(  # an underscore within a word, as in min_z_tod, marks nothing up
    r"([\\`*{}\[\]<>#|~&]|(?<![^\W_])_|_(?![^\W_]))|(\$)|(^\s*[-+=](?=\s|[-=])|^\s*\d+(?=[.)]\s))"
)


def markdown_text(words: object) -> str:
    """Words as Markdown that shows exactly them: no markup, no links, no formula between two prices."""
    # A dollar in an element of its own ends no formula that another has begun, in JupyterLab and on GitHub.
    return _SPECIAL.sub(lambda at: r"<span>\$</span>" if at[2] else rf"\{at[0]}", plain_text(words, MOST_SHOWN))


def _escaped(words: str) -> str:
    return html.escape(plain_text(words, MOST_SHOWN))


_WARNING = "border-left:.4rem solid #b45309;padding:.3rem .8rem;font-weight:600"


class Shown:
    """A result that shows itself: its blocks as HTML in a notebook's cell, and the same in words on a plain screen."""

    __slots__ = ()

    def blocks(self) -> Sequence[Block]:
        """What a cell shows, most important first."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        shown = "\n".join(block.html(aligned=True, below=2) for block in self.blocks())
        return tag("div", Html(shown), PLAIN)

    def __repr__(self) -> str:
        parts = (block.table.text() if block.table else block.text for block in self.blocks())
        return plain_lines("\n\n".join(parts))


def write_page(file: Path, title: str, blocks: Iterable[Block], style: str) -> Path:
    """Write blocks as one HTML file that needs nothing else, and return its path. Raises StorageError."""
    body = "\n".join(block.html(aligned=True) for block in blocks)
    head = join((Html('<meta charset="utf-8">'), tag("title", title), Html(f"<style>{style}</style>")))
    try:
        write_whole(file, f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n')
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise StorageError(f"{file}: not written: {words}") from None
    return file


class Words(str):
    """Sentences with their numbers and what is bold in them; a notebook shows that, and no other Markdown."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return "**".join(map(markdown_text, plain_text(self, MOST_SHOWN).split("**")))


def word(value: Any) -> str:
    """One value for people."""
    if isinstance(value, pd.Timestamp):
        if value.tzinfo is None:  # a day, as tables hold it
            return f"{value:%Y-%m-%d}" if value == value.normalize() else f"{value:%Y-%m-%d %H:%M:%S}"
        return f"{value.tz_convert(NEW_YORK):%Y-%m-%d %H:%M:%S}"
    if value is None or value is pd.NaT or value is pd.NA:
        return "-"
    if isinstance(value, bool | str | date) or not isinstance(value, Real):
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    number = float(value)
    if not math.isfinite(number):
        return "-"
    return f"{number:,.0f}" if isinstance(value, Integral) or abs(number) >= 1000 else f"{number:.4g}"


def warnings_of(marks: Iterable[str]) -> list[Block]:
    """What a reader must be told before anything else."""
    return [Block("warning", mark) for mark in marks]


def _column(column: "pd.Series[Any]", digits: Mapping[str, int] | None, name: str) -> list[str]:
    if not pd.api.types.is_float_dtype(column.dtype):
        return [f"{value:,}" if _is_count(value) else word(value) for value in column]
    places = _decimals(column) if digits is None else digits.get(name, 1)
    return [f"{value:z,.{places}f}" if math.isfinite(value) else "-" for value in column.astype(float)]


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _decimals(column: "pd.Series[Any]") -> int:
    """Few where numbers are large: a table is read, not computed with."""
    largest = float(column.abs().max())
    if not math.isfinite(largest) or largest >= 1000:
        return 0
    return 1 if largest >= 10 else 2
