"""How research shows tables and pages in a notebook: plain values in, HTML out."""

import math
import re
from collections.abc import Hashable
from dataclasses import asdict
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import pandas as pd

from momentum_kit.storage.quality import QualityReport

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

_TEXT = {"text-align": "left", "vertical-align": "top"}
_NUMBER = {"text-align": "right"}
_HEADS: Any = [{"selector": "th", "props": [("text-align", "left")]}]


def table(frame: pd.DataFrame) -> "Styler":
    """A frame without its index: decimals by the size of a column, - for what is not known."""
    numbers: list[Hashable] = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    style = frame.style.hide(axis="index").set_table_styles(_HEADS).format(word, escape="html")
    for name in numbers:
        style = style.format(precision=_decimals(frame[name]), thousands=",", na_rep="-", subset=[name])
    return style.set_properties(subset=None, **_TEXT).set_properties(subset=numbers, **_NUMBER)


def _decimals(column: "pd.Series[Any]") -> int:
    largest = float(column.abs().max())
    if not math.isfinite(largest) or largest >= 1000:
        return 0
    return 1 if largest >= 10 else 2


def word(value: Any) -> str:
    """One value for people."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    number = float(value)
    if not math.isfinite(number):
        return "-"
    return f"{number:,.0f}" if isinstance(value, Integral) or abs(number) >= 1000 else f"{number:.4g}"


def findings(report: QualityReport) -> pd.DataFrame:
    """What a look at an archive found: one row a check, worst first."""
    frame = pd.DataFrame(
        [asdict(each) for each in report.findings], columns=["severity", "check", "kind", "symbol", "count"]
    )
    counted = frame.groupby(["severity", "check", "kind"], sort=True).agg(
        series=("symbol", "size"), symbols=("symbol", "nunique"), rows=("count", "sum")
    )
    return counted.reset_index()


def inside(page: str, levels: int = 2) -> str:
    """A Markdown page whose headings go below those of the notebook that shows it."""
    return re.sub(r"^#", "#" * (levels + 1), page, flags=re.MULTILINE)
