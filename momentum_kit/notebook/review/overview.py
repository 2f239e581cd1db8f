"""Draws the trades of a review together: what they came to, how they are spread, what they went through, and when."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from momentum_kit.notebook.review.trades import Trade
from momentum_kit.pages import number
from momentum_kit.research.plots import BLUE, FAINT, GREEN, INK, RED, STYLE, Picture, deepest_fall, head, say
from momentum_kit.sessions import NEW_YORK

Floats = npt.NDArray[np.float64]


def overview_picture(trades: Sequence[Trade]) -> Picture:
    """Four panels, USD after costs and R; a figure that no pyplot keeps. trades: at least one, in order."""
    net = np.array([trade.net_usd for trade in trades])
    with rc_context(STYLE):
        figure = Picture(figsize=(12, 8), layout="constrained")
        (upper, spread), (went, hours) = figure.subplots(2, 2, gridspec_kw={"hspace": 0.12, "wspace": 0.06})
        _earned(upper, net)
        _spread(spread, np.array([trade.r for trade in trades]))
        _went_through(went, trades)
        _by_hour(hours, trades, net)
    return figure


def _earned(axes: Axes, net: Floats) -> None:
    """Trade by trade, with what it had been ahead."""
    total = np.append(0.0, np.cumsum(net))
    total = np.append(total, total[-1])  # the last trade has a width as well
    at = np.append(np.arange(len(net) + 1), len(net) + 0.5)
    axes.fill_between(at, np.maximum.accumulate(total), total, step="post", color=RED, alpha=0.14, lw=0)
    axes.step(at, total, where="post", color=INK, lw=1.8)
    axes.axhline(0, color=FAINT, lw=0.9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+,.0f}" if value else "0"))
    axes.set_xlabel("trades")
    axes.set_ylabel("USD after costs")
    words = (
        f"{number(float(total[-1]), 0, plus=True)} USD; red: below its highest, at worst {number(deepest_fall(net), 0)}"
    )
    head(axes, "What they came to", words)


def _spread(axes: Axes, r: Floats) -> None:
    known = r[np.isfinite(r)]
    if not known.size:
        say(axes, "Spread of R", "no trade has an initial risk")
        return
    low, high = math.floor(2 * known.min()) / 2, math.ceil(2 * known.max()) / 2
    counts, edges = np.histogram(known, np.arange(low, max(high, low + 0.5) + 0.25, 0.5))
    colors = [GREEN if left >= 0 else RED for left in edges[:-1]]
    axes.bar(edges[:-1], counts, width=0.46, align="edge", color=colors, alpha=0.75)
    axes.axvline(float(known.mean()), color=BLUE, lw=1.6, linestyle=(0, (4, 2)))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("R, net profit over the initial risk")
    axes.set_ylabel("trades")
    words = f"mean {known.mean():+z.2f} (dashed), median {np.median(known):+z.2f}, worst {known.min():+z.2f}, "
    head(axes, "Spread of R", f"{words}best {known.max():+z.2f}")


def _went_through(axes: Axes, trades: Sequence[Trade]) -> None:
    """Each trade by its worst and its best in USD; what was left of the best is its distance to the diagonal."""
    seen = [(trade.excursion, trade) for trade in trades if math.isfinite(trade.excursion.worst_usd)]
    if not seen:
        say(axes, "What they went through", "nothing was seen of any while it was held")
        return
    for won, color, marker in ((True, GREEN, "o"), (False, RED, "s")):
        mine = [(-each.worst_usd * trade.quantity, each.best_usd * trade.quantity) for each, trade in seen
                if (trade.net_usd > 0) is won]  # fmt: skip
        if mine:
            worst, best = zip(*mine, strict=True)
            axes.scatter(worst, best, s=42, color=color, marker=marker, alpha=0.75, edgecolor="white", zorder=4,
                         label="won" if won else "lost")  # fmt: skip
    axes.set_xlabel("worst while held (MAE), USD against you")
    axes.set_ylabel("best while held (MFE), USD")
    axes.legend(frameon=False, loc="best", fontsize=9.5)
    lost_ahead = sum(each.best_usd * trade.quantity > -each.worst_usd * trade.quantity
                     for each, trade in seen if trade.net_usd <= 0)  # fmt: skip
    words = f"{len(seen)} of {len(trades)} were seen; {lost_ahead} that lost had been further ahead than behind"
    head(axes, "What they went through", words)


def _by_hour(axes: Axes, trades: Sequence[Trade], net: Floats) -> None:
    hours = np.array([trade.opened_at.tz_convert(NEW_YORK).hour for trade in trades])
    names = range(int(hours.min()), int(hours.max()) + 1)
    sums = [float(net[hours == hour].sum()) for hour in names]
    counts = [int((hours == hour).sum()) for hour in names]
    bars = axes.bar(range(len(sums)), sums, color=[GREEN if each >= 0 else RED for each in sums], alpha=0.75, width=0.6)
    for bar, count in zip(bars, counts, strict=True):
        if not count:
            continue
        axes.annotate(
            f"{count}", (bar.get_x() + bar.get_width() / 2, bar.get_height()), (0, 4 if bar.get_height() >= 0 else -13),
            textcoords="offset points", ha="center", size=9.5, color=FAINT,
        )  # fmt: skip
    axes.axhline(0, color=FAINT, lw=0.9)
    axes.set_xticks(range(len(sums)), [f"{hour}:00" for hour in names])
    axes.margins(y=0.18)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+,.0f}" if value else "0"))
    axes.set_ylabel("USD after costs")
    head(axes, "By hour of the entry", "New York; above each bar its number of trades")
