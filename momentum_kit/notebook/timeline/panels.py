"""The panels of the timeline: moves since headlines, verdict lanes, profit, and symbols seen close, in USD."""

import textwrap
from collections import Counter

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from momentum_kit.notebook.timeline.drawing import (
    VERDICTS,
    caption,
    draw_fills,
    gain,
    gain_color,
    label_times,
    legend_handle,
    name_axes,
    numbers,
    say,
    unbroken,
)
from momentum_kit.notebook.timeline.labels import BESIDE, PointLabel, place_labels
from momentum_kit.notebook.timeline.stories import Story
from momentum_kit.research.plots import BLUE, FAINT, GREEN, GREY, INK, RED

LANES = 10  # verdict lanes before the rarest are gathered in one
OTHERS = "other reasons"
LEAST_SPAN = 0.2  # % since headline: below this the panel would show noise as a move
MOVES = {
    "entry": "bought: green with profit, red with loss   ·   \u25b2 buy  \u25bc sell",
    "refused": "orange: signal refused",
    "skip": "grey: no signal",
}
HEADLINE_WIDTH, HEADLINE_LINES = 46, 2


def draw_moves(axes: Axes, told: list[Story]) -> None:
    """Price of every watched symbol as % since its headline; what was bought in colour, with its fills."""
    name_axes(axes, "Move since the headline", "% since headline")
    watched = [story for story in told if len(story.marks)]
    if not watched:
        say(axes, "no symbol was watched")
        return
    present = {story.verdict for story in watched}
    caption(axes, "   ·   ".join(words for verdict, words in MOVES.items() if verdict in present))
    axes.axhline(0, color=FAINT, linewidth=0.9, zorder=3)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+g}%" if value else "0%"))
    axes.set_ylim(*_move_limits(watched))
    drawn, labels = [], []
    for story in watched:
        at, shocks = unbroken(story.marks["at"], story.shocks)
        peak = int(np.nanargmax(np.abs(shocks)))
        color = VERDICTS[story.verdict].color
        if story.verdict == "entry":
            color = gain_color(story.net_usd)
            axes.plot(at, shocks, color=color, linewidth=1.9, zorder=4)
            draw_fills(axes, story, (story.fills["price"] / story.anchor_usd - 1) * 100)
            labels.append(PointLabel(x=at[peak], y=shocks[peak], words=f"{story.symbol} {gain(story)}", color=color))
            drawn += list(zip(at, shocks, strict=True))
            continue
        axes.plot(at, shocks, color=color, linewidth=0.9, alpha=0.8 if story.verdict == "refused" else 0.4)
        low, high = axes.get_ylim()
        if not low < shocks[peak] < high:
            # Far beyond what was bought: told in words rather than by flattening all the rest.
            edge, away = (high, -4) if shocks[peak] > 0 else (low, 4)
            words = f"{story.symbol} {shocks[peak]:+.0f}%"
            offsets = [(right, away) for right in (0, 40, -40, 80, -80)]
            labels.append(PointLabel(x=at[0], y=edge, words=words, color=color, offsets=offsets))
    place_labels(axes, labels, drawn, strict=False)


def _move_limits(watched: list[Story]) -> tuple[float, float]:
    """Room for everything that was bought or refused and its labels; only without any for the rest."""
    leading = [story for story in watched if story.verdict in ("entry", "refused")] or watched
    low = min(0.0, *(float(story.shocks.min()) for story in leading))
    high = max(0.0, *(float(story.shocks.max()) for story in leading))
    air = 0.25 * max(high - low, LEAST_SPAN)
    return low - air, high + air


def draw_lanes(axes: Axes, told: list[Story]) -> None:
    """One lane a verdict and reason, one mark a headline or news item; the lane's name says how many."""
    name_axes(axes, "What became of each headline", "reason and count")
    if not told:
        say(axes, "no headline arrived")
        return
    rows, names = _lanes(told)
    drawn, labels = [], []
    for story in told:
        look = VERDICTS[story.verdict]
        x, row = numbers([story.at])[0], rows.get((story.verdict, story.reason), len(names) - 1)
        axes.plot(x, row, linestyle="", marker=look.marker, markersize=look.size, color=look.color, alpha=0.9,
                  markeredgewidth=look.edge, zorder=3)  # fmt: skip
        drawn.append((x, row))
        if story.verdict in ("entry", "refused"):
            labels.append(PointLabel(x=x, y=row, words=story.symbol, color=look.color, offsets=BESIDE))
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    present = {story.verdict for story in told}
    handles = [legend_handle(verdict) for verdict in VERDICTS if verdict in present]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.01, 0.985), ncols=len(handles), frameon=False,
                handletextpad=0.2, columnspacing=1.4, borderaxespad=0, fontsize=9.5, labelcolor=FAINT)  # fmt: skip
    place_labels(axes, labels, drawn, strict=True)


def draw_profit(axes: Axes, equity: pd.DataFrame) -> None:
    """Profit after costs, and costs below zero; USD. The time axis must be set: both go on to its end."""
    name_axes(axes, "Profit after costs", "USD")
    if not equity["costs_usd"].any() and not equity["net_usd"].any():
        say(axes, "no fills, no profit, no costs")
        return
    axes.axhline(0, color=FAINT, linewidth=0.9, zorder=3)
    last = equity.iloc[[-1]]
    at = [*numbers(equity.index), axes.get_xlim()[1]]
    net = pd.concat([equity, last])["net_usd"].to_numpy()
    costs = pd.concat([equity, last])["costs_usd"].fillna(0).to_numpy()
    axes.step(at, net, where="post", color=INK, linewidth=2, zorder=5)
    for part, color in ((np.maximum(net, 0), GREEN), (np.minimum(net, 0), RED)):
        axes.fill_between(at, part, step="post", color=color, alpha=0.16, linewidth=0)
    axes.step(at, -costs, where="post", color=RED, linewidth=1.2, linestyle=(0, (4, 2)), zorder=4)
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:+,.2f}".removesuffix(".00") if value else "0")
    )
    axes.margins(y=0.2)
    ends = [(net[-1], f"{net[-1]:+,.0f} net", INK), (-costs[-1], f"{costs[-1]:,.0f} costs", RED)]
    low, high = axes.get_ylim()
    apart = 0.13 * (high - low)
    for rank, (value, words, color) in enumerate(sorted(ends)):
        # Two figures that are close are written apart.
        crowded = abs(net[-1] + costs[-1]) < apart
        shift = (rank - 0.5) * 13 if crowded else 0
        axes.annotate(words, (1.0, value), xycoords=("axes fraction", "data"), xytext=(6, shift), color=color,
                      textcoords="offset points", va="center", weight="bold", size=10)  # fmt: skip


def _lanes(told: list[Story]) -> tuple[dict[tuple[str, str], int], list[str]]:
    """The row of each verdict and reason, and the rows' names; the rarest share a last row when there are many."""
    counts = Counter((story.verdict, story.reason) for story in told)
    by_verdict = {verdict: rank for rank, verdict in enumerate(VERDICTS)}
    lanes = sorted(counts, key=lambda lane: (by_verdict[lane[0]], -counts[lane], lane[1]))
    if len(lanes) > LANES:
        # What was bought or refused always keeps its lane, of the rest the most frequent do.
        ranked = sorted(lanes, key=lambda lane: (by_verdict[lane[0]] > 1, -counts[lane], lane[1]))
        lanes = [lane for lane in lanes if lane in ranked[: LANES - 1]]
    names = [f"{lane[1]}   {counts[lane]}" for lane in lanes]
    others = len(told) - sum(counts[lane] for lane in lanes)
    return {lane: row for row, lane in enumerate(lanes)}, [*names, f"{OTHERS}   {others}"] if others else names


def draw_close_up(axes: Axes, story: Story) -> None:
    """One symbol from its headline on; the caller leaves room for three lines of text above."""
    at, prices = unbroken(story.marks["at"], story.marks["price"])
    axes.plot(at, prices, color=INK, linewidth=1.3, zorder=4)
    axes.axvline(numbers([story.at])[0], color=BLUE, linewidth=1.4, linestyle=(0, (2, 2)))
    draw_fills(axes, story, story.fills["price"])
    _decision_marks(axes, story)
    labels = _stop_and_target(axes, story)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
    axes.set_ylabel("USD")
    axes.margins(y=0.16)
    label_times(axes, 5, "New York time")
    _heading(axes, story)
    place_labels(axes, labels, list(zip(at, prices, strict=True)), strict=False)


def _heading(axes: Axes, story: Story) -> None:
    bought = story.verdict == "entry"
    ending = f", {story.closed_by}" if story.closed_by else ""
    outcome = f"no signal: {story.reason}" if story.verdict == "skip" else story.reason
    words = f"{story.symbol}  {gain(story)}{ending}" if bought else f"{story.symbol}  {outcome}"
    color = gain_color(story.net_usd) if bought else VERDICTS[story.verdict].color
    axes.text(0, 1.245, words, transform=axes.transAxes, size=12, weight="bold", color=color)
    lines = textwrap.wrap(story.text, HEADLINE_WIDTH, max_lines=HEADLINE_LINES, placeholder=" …")
    axes.text(0, 1.21, "\n".join(lines), transform=axes.transAxes, size=9.5, color=FAINT, va="top", linespacing=1.3)


def _decision_marks(axes: Axes, story: Story) -> None:
    """Each decision time at the panel's foot: grey for a skip, blue and taller for the signal."""
    for verdict, color, height in (("skip", GREY, 0.035), ("signal", BLUE, 0.09)):
        times = numbers(story.decided[story.decided["verdict"] == verdict]["decided_at"])
        axes.vlines(times, 0, height, transform=axes.get_xaxis_transform(), color=color, linewidth=1.6, zorder=5)


def _stop_and_target(axes: Axes, story: Story) -> list[PointLabel]:
    """Both as they were placed, from the first fill to the last; returns their labels."""
    labels = []
    for leg, column, color in (("target", "limit_price", GREEN), ("stop", "stop_price", RED)):
        placed = story.legs[(story.legs["leg"] == leg) & (story.legs["change"] == "place")][column].dropna()
        if len(placed):
            first, last = numbers(_held(story))
            price = float(placed.iloc[-1])
            axes.hlines(price, first, last, color=color, linewidth=1.4, linestyle=(0, (5, 2)))
            away = 5 if leg == "target" else -5
            offsets = [(1, away), (30, away), (60, away), (90, away), (120, away), (1, -away), (60, -away)]
            words = f"{leg} {price:.2f}"
            labels.append(PointLabel(x=first, y=price, words=words, color=color, offsets=offsets))
    return labels


def _held(story: Story) -> tuple[pd.Timestamp, pd.Timestamp]:
    """From the first fill to the last sale, or as far as the marks go where nothing was sold."""
    end = story.marks["at"].iloc[-1]
    if not len(story.fills):
        return story.legs["at"].iloc[0], end
    sales = story.fills[story.fills["side"] == "SELL"]["time"]
    return story.fills["time"].iloc[0], sales.iloc[-1] if len(sales) else end
