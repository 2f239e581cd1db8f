"""How every plot looks: colours that colour-blind eyes tell apart (Okabe and Ito), fonts, thresholds in words."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure

INK, FAINT, GRID = "#1f2933", "#66727f", "#e4e8ec"
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#9aa5b1"
UNKNOWN = "#eef0f2"

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.edgecolor": GRID,
    "axes.labelcolor": FAINT,
    "axes.labelsize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "text.color": INK,
    "text.parse_math": False,  # a headline may hold two dollar signs
    "figure.facecolor": "white",
}

LOSS_TO_GAIN = LinearSegmentedColormap.from_list("loss to gain", [RED, "#f3b68d", "#ffffff", "#8fc1e3", BLUE])
"""Vermilion, white at zero, blue: colour-blind eyes tell them apart."""


class Picture(Figure):
    """A figure that a notebook shows without `%matplotlib inline`, and that no pyplot keeps in memory."""

    def _repr_png_(self) -> bytes:
        png = BytesIO()
        self.savefig(png, format="png", dpi=100)
        return png.getvalue()


@dataclass(frozen=True, slots=True)
class ThresholdLabel:
    """A threshold for people: words, unit, and what its value is multiplied by for that unit."""

    words: str
    unit: str = ""
    scale: float = 1.0

    @property
    def text(self) -> str:
        """Words and unit."""
        return f"{self.words}, {self.unit}" if self.unit else self.words

    def value(self, value: float) -> str:
        """A value in the unit, as short as it is exact to four digits."""
        return f"{value * self.scale:,.4g}"


LABELS = {
    "min_price_usd": ThresholdLabel("least price", "USD"),
    "max_price_usd": ThresholdLabel("highest price", "USD"),
    "min_ret_60s": ThresholdLabel("least return over 60 s", "%", 100),
    "min_ret_300s": ThresholdLabel("least return over 300 s", "%", 100),
    "min_ret_news": ThresholdLabel("least return since the headline", "%", 100),
    "max_extension": ThresholdLabel("most return since the headline", "%", 100),
    "min_z_tod": ThresholdLabel("least z for the time of day"),
    "min_rvol_bar": ThresholdLabel("least volume of 60 s over its usual", "x"),
    "min_rvol_cum": ThresholdLabel("least volume of the day over its usual", "x"),
    "min_dollar_volume_60s_usd": ThresholdLabel("least dollar volume of 60 s", "kUSD", 1e-3),
    "min_trades_60s": ThresholdLabel("least trades in 60 s"),
    "max_spread_bps": ThresholdLabel("widest spread", "bps"),
    "max_spread_share": ThresholdLabel("widest spread, share of the move", "%", 100),
    "min_clv": ThresholdLabel("least close location, 0 to 1"),
}


def held(name: str, value: float) -> str:
    """A threshold with its value, in words: `widest spread 60 bps`."""
    label = LABELS[name]
    return " ".join(part for part in (label.words, label.value(value), label.unit) if part)


def around_zero(values: Any) -> TwoSlopeNorm:
    """A colour scale whose middle is zero and whose two sides reach equally far."""
    known = np.abs(np.asarray(values, float)[np.isfinite(values)])
    reach = float(known.max(initial=0.0)) or 1.0
    return TwoSlopeNorm(0.0, -reach, reach)


def head(axes: Axes, title: str, words: str = "") -> None:
    """Title above, and lines of small words under it that say what is held and what to know."""
    lines = len(words.splitlines())
    axes.set_title(title, loc="left", size=13, weight="bold", color=INK, pad=10 + 13.5 * lines)
    if words:
        axes.annotate(
            words, (0, 1), (0, 7), xycoords="axes fraction", textcoords="offset points", size=9.5, color=FAINT
        )
