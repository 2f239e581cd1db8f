"""Tables for people: New York time of day, few decimals, whole sentences; pure, from a DataFrame to its look."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from momentum_kit.sessions import NEW_YORK

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

DECIMALS = {"quantity": 0, "shares": 0, "price": 2, "slippage_bps": 1}
HEADS = [{"selector": "th", "props": [("text-align", "left"), ("vertical-align", "top")]}]
TEXT = {"text-align": "left", "vertical-align": "top"}
NUMBER = {"text-align": "right", "font-variant-numeric": "tabular-nums"}


def readable(frame: pd.DataFrame, columns: Sequence[str]) -> "Styler":
    """These columns without the index: times as New York's, numbers rounded and aligned, text unbroken and escaped."""
    shown = frame[list(columns)].copy()
    numbers: list[Hashable] = [name for name in shown.columns if pd.api.types.is_float_dtype(shown[name])]
    style = shown.style.hide(axis="index").set_table_styles(HEADS)  # type: ignore[arg-type]
    style = style.format(_text, escape="html", na_rep="")
    for name in numbers:
        style = style.format(precision=DECIMALS.get(str(name), 2), thousands=",", subset=[name], na_rep="")
    return style.set_properties(subset=None, **TEXT).set_properties(subset=numbers, **NUMBER)


def _text(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return value.tz_convert(NEW_YORK).strftime("%H:%M:%S")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
