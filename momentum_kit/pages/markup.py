"""Markup that nothing from outside can break out of: text is escaped here, once, for every table and every view."""

import html
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from momentum_kit.plain_text import plain_text
from momentum_kit.sessions import NEW_YORK

CLOSEST = re.compile(r"(closest at )(\d\d:\d\d:\d\d)")
PLAIN = "tex2jax_ignore mathjax_ignore"  # MathJax 2 and 3, as JupyterLab, VS Code and nbconvert load them
LONGEST = 400  # characters of one text; a headline that is longer is not read in a panel anyway


class Html(str):
    """Markup of ours, safe to show as it is; every other string is text and gets escaped."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as markup that shows exactly its visible characters, in one line and no more than LONGEST of them."""
    if isinstance(value, Html):
        return value
    return Html(html.escape(plain_text(value, LONGEST + 1), quote=True))


def join(parts: Iterable[object], between: str = "") -> Html:
    """Several pieces, each escaped unless it is markup."""
    return Html(between.join(text(part) for part in parts))


def tag(name: str, content: object, css: str = "", **attributes: object) -> Html:
    """One element; underscores in the names of attributes are hyphens.

    A view's outermost element (class mk) keeps MathJax out: "$0.21 vs $0.02" is two prices, not a formula.
    """
    css = f"{css} {PLAIN}" if css.split(" ", 1)[0] == "mk" else css
    shown = {"class": css, **attributes} if css else attributes
    words = "".join(f' {key.replace("_", "-")}="{text(value)}"' for key, value in shown.items())
    return Html(f"<{name}{words}>{text(content)}</{name}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnHead:
    """The head of a column, with its unit below; number: aligned to the right; faint: an id."""

    name: str
    unit: str = ""
    number: bool = False
    faint: bool = False

    @classmethod
    def of(cls, words: "str | ColumnHead") -> "ColumnHead":
        """From its short form, in which a column of numbers starts with `>`."""
        return (
            words if isinstance(words, ColumnHead) else cls(name=words.removeprefix(">"), number=words.startswith(">"))
        )


def table(caption: str, heads: Sequence[str | ColumnHead], rows: Sequence[Sequence[object]], empty: str) -> Html:
    """Rows below their heads, the one renderer of tables. empty: said where there are none."""
    if not rows:
        return tag("div", join((tag("div", caption, "mk-caption"), tag("div", empty, "mk-empty"))))
    title = tag("caption", caption) if caption else ""
    columns = [ColumnHead.of(head) for head in heads]
    top = tag("tr", join(map(_head, columns)))
    body = (tag("tr", join(map(_cell, row, columns))) for row in rows)
    return tag("table", join((title, tag("thead", top), tag("tbody", join(body)))), "mk-table")


def _head(head: ColumnHead) -> Html:
    words = join((head.name, Html("<br>"), tag("small", head.unit))) if head.unit else text(head.name)
    css = " ".join(filter(None, ("mk-number" if head.number else "", "mk-faint" if head.faint else "")))
    return tag("th", words, css, scope="col")


def _cell(content: object, head: ColumnHead) -> Html:
    """A number carries its head along: on a narrow page, where rows are cards, it stands beside it."""
    return tag("td", content, "mk-number", data_head=head.name) if head.number else tag("td", content)


def chip(words: object, kind: str) -> Html:
    """A short word on a colour: good, warn, bad, info or off; the word alone says it as well."""
    return tag("span", words, f"mk-chip mk-{kind}")


def clock(at: object) -> str:
    """New York's time of day of a time, or of a time as the journal writes it; empty for what is none."""
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            return ""
    return at.astimezone(NEW_YORK).strftime("%H:%M:%S") if isinstance(at, datetime) and at.tzinfo else ""


def in_new_york(words: str, at: object) -> str:
    """A reason of the journal's, in which the time of day is UTC, as the rest of a table tells it; at: of its row."""
    return CLOSEST.sub(lambda found: f"{found[1]}{clock(f'{str(at)[:10]}T{found[2]}+00:00') or found[2]}", words)


def number(value: object, decimals: int = 2, plus: bool = False) -> str:
    """Thousands apart; a dash for what is not known."""
    try:
        known = float(str(value))
    except ValueError:
        return "\u2013"
    if not math.isfinite(known):
        return "\u2013"
    return f"{round(known, decimals) + 0.0:{'+' if plus else ''},.{decimals}f}"  # never -0.00


def age(seconds: float) -> str:
    """How old something is, in a width that hardly changes."""
    if not math.isfinite(seconds):
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def gain(usd: float, decimals: int = 2) -> Html:
    """Profit with its sign, coloured."""
    kind = "" if not math.isfinite(usd) or abs(usd) < 0.005 else "mk-gain" if usd > 0 else "mk-loss"
    return tag("span", number(usd, decimals, plus=True), kind)
