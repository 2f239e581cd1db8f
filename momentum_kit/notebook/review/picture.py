"""Draws one round trip on its tape: the headline, what was paid and sold, stop and target, the worst and the best."""

import math
import textwrap

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.ticker import FuncFormatter

from momentum_kit.notebook.review.trades import AFTER, BEFORE, Trade
from momentum_kit.notebook.timeline import PointLabel, label_times, numbers, place_labels, unbroken
from momentum_kit.pages import age, number
from momentum_kit.plain_text import plain_text
from momentum_kit.research.plots import BLUE, GREEN, GREY, INK, RED, STYLE, Picture, head

WIDTH, LINES = 120, 2  # characters of a headline's line, and how many


def trade_picture(trade: Trade) -> Picture:
    """Price, bid and ask in USD on New York's clock; a figure that no pyplot keeps."""
    first = min(trade.opened_at, trade.headline_at) if pd.notna(trade.headline_at) else trade.opened_at
    with rc_context(STYLE):
        figure = Picture(figsize=(10, 4.8))
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.075, 0.115, 0.905, 0.68))
        drawn = _tape(axes, trade.tape[trade.tape["at"] <= trade.closed_at + AFTER])
        _levels(axes, trade)
        labels = [*_fills(axes, trade.fills), *_extremes(trade)]
        if pd.notna(trade.headline_at):
            heard = numbers([trade.headline_at])[0]
            axes.axvline(heard, color=BLUE, lw=1.4, linestyle=(0, (2, 2)))
            axes.annotate("headline", (heard, 0), (4, 4), xycoords=("data", "axes fraction"), color=BLUE, size=9.5,
                          textcoords="offset points")  # fmt: skip
        axes.set_xlim(*numbers([first - BEFORE, trade.closed_at + AFTER]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
        axes.set_ylabel(f"{trade.symbol}, USD")
        axes.margins(y=0.18)
        label_times(axes, 10, "New York time")
        head(axes, _title(trade), _words(trade))
        place_labels(axes, labels, drawn, strict=False)
    return figure


def _tape(axes: Axes, marks: pd.DataFrame) -> list[tuple[float, float]]:
    """Returns the points of the price, which labels keep away from."""
    if marks.empty:
        return []
    bids, asks = (unbroken(marks["at"], marks[name]) for name in ("bid", "ask"))
    axes.fill_between(bids[0], bids[1], asks[1], step="post", color=GREY, alpha=0.4, lw=0)
    price = unbroken(marks["at"], marks["price"])
    axes.step(*price, where="post", color=INK, lw=1.4, zorder=4)
    return list(zip(*price, strict=True))


def _levels(axes: Axes, trade: Trade) -> None:
    """When it was held, what was paid, and stop and target as they were first placed."""
    first, last = numbers([trade.opened_at, trade.closed_at])
    axes.axvspan(first, last, color=GREEN if trade.net_usd >= 0 else RED, alpha=0.07, lw=0)
    axes.hlines(trade.entry_price, first, last, color=BLUE, lw=1.1, linestyle=(0, (5, 2)))
    for price, color in ((trade.stop_usd, RED), (trade.target_usd, GREEN)):
        if math.isfinite(price):
            axes.hlines(price, first, last, color=color, lw=1.4, linestyle=(0, (5, 2)))


def _extremes(trade: Trade) -> list[PointLabel]:
    """Where the worst and the best price stood, as far as 5 s closes tell; how far is said as in the table."""
    marks, seen = trade.marks, trade.excursion
    held = (marks.at_s > 0) & (marks.at_s <= trade.held_s) & np.isfinite(marks.price)
    if not held.any():
        return []
    prices, at_s = marks.price[held], marks.at_s[held]
    found = []
    for name, moved, at, color in (
        ("MAE", seen.worst_usd, prices.argmin(), RED),
        ("MFE", seen.best_usd, prices.argmax(), GREEN),
    ):
        if moved:
            moment = trade.opened_at + pd.Timedelta(seconds=float(at_s[at]))
            words = f"{name} {number(moved * trade.quantity, 0, plus=True)} USD"
            found.append(PointLabel(x=numbers([moment])[0], y=float(prices[at]), words=words, color=color))
    return found


def _fills(axes: Axes, fills: pd.DataFrame) -> list[PointLabel]:
    labels = []
    for side, marker, color in (("BUY", "^", BLUE), ("SELL", "v", INK)):
        own = fills[fills["side"] == side]
        axes.plot(numbers(own["time"]), own["price"].to_numpy(), linestyle="", marker=marker, color=color,
                  markersize=10, markeredgecolor="white", zorder=6)  # fmt: skip
        if len(own):
            mean = float((own["price"] * own["shares"]).sum() / own["shares"].sum())
            decimals = 2 if round(mean, 2) == round(mean, 4) else 4
            words = f"{number(float(own['shares'].sum()), 0)} at {number(mean, decimals)}"
            labels.append(PointLabel(x=numbers([own["time"].iloc[0]])[0], y=mean, words=words, color=color))
    return labels


def _title(trade: Trade) -> str:
    r = f", {number(trade.r, 2, plus=True)} R" if math.isfinite(trade.r) else ""
    return f"{trade.symbol}  {number(trade.net_usd, 2, plus=True)} USD{r}: {trade.exit}"


def _words(trade: Trade) -> str:
    lines = textwrap.wrap(plain_text(trade.headline), WIDTH, max_lines=LINES, placeholder=" \u2026") or ["no headline"]
    slipped = [
        f"slipped {number(bps, 1, plus=True)} bps {doing}"
        for doing, bps in (("buying", trade.entry_bps), ("selling", trade.exit_bps))
        if math.isfinite(bps)
    ]
    facts = [f"{trade.provider}, {trade.catalyst}", f"held {age(trade.held_s)}", *slipped,
             f"costs {number(trade.costs_usd)} USD"]  # fmt: skip
    return "\n".join([*lines, "; ".join(facts)])
