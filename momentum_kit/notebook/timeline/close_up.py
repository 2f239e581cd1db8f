"""One symbol of the timeline seen close: price, decisions, stop and target, fills; in USD."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from momentum_kit.notebook.timeline.labels import Label, place_labels
from momentum_kit.notebook.timeline.stories import Story
from momentum_kit.notebook.timeline.style import VERDICTS, draw_fills, gain, gain_color, label_times, numbers, unbroken
from momentum_kit.research.plots import BLUE, FAINT, GREEN, GREY, INK, RED

HEADLINE_WIDTH, HEADLINE_LINES = 46, 2


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


def _stop_and_target(axes: Axes, story: Story) -> list[Label]:
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
            labels.append(Label(first, price, f"{leg} {price:.2f}", color, offsets))
    return labels


def _held(story: Story) -> tuple[pd.Timestamp, pd.Timestamp]:
    """From the first fill to the last sale, or as far as the marks go where nothing was sold."""
    end = story.marks["at"].iloc[-1]
    if not len(story.fills):
        return story.legs["at"].iloc[0], end
    sales = story.fills[story.fills["side"] == "SELL"]["time"]
    return story.fills["time"].iloc[0], sales.iloc[-1] if len(sales) else end
