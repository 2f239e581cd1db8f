"""How every plot looks: colours that colour-blind eyes tell apart (Okabe and Ito), and fonts."""

import base64
import warnings
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure

from momentum_kit.pages import Html, text

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

    def savefig(self, *given: Any, **named: Any) -> None:
        """As matplotlib's; a sign that its font does not have is a box, and no warning: headlines come as they are."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from (?:current )?font", UserWarning)
            super().savefig(*given, **named)

    def image(self, words: str) -> Html:
        """As an element of a page that needs no other file; words: for those who do not see it."""
        png = base64.b64encode(self._repr_png_()).decode()
        return Html(f'<img src="data:image/png;base64,{png}" alt="{text(words)}" style="max-width:100%">')  # never cut

    def _repr_png_(self) -> bytes:
        png = BytesIO()
        self.savefig(png, format="png", dpi=100)
        return png.getvalue()


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


def say(axes: Axes, title: str, words: str) -> None:
    """Empty axes with the reason why they are."""
    head(axes, title)
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=FAINT)
    axes.set_xticks([])
    axes.set_yticks([])


def deepest_fall(gains: npt.NDArray[np.float64]) -> float:
    """The deepest fall of the sum of gains below the highest it had been, nothing earned included; 0 or more."""
    total = np.append(0.0, np.cumsum(gains))
    return float((np.maximum.accumulate(total) - total).max())
