"""The picture of a session: headlines, decisions with reasons, prices, fills and profit on one New York time axis."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg

from momentum_kit.notebook import tables
from momentum_kit.notebook.timeline.drawing import in_new_york, label_times, numbers
from momentum_kit.notebook.timeline.panels import draw_close_up, draw_lanes, draw_moves, draw_profit
from momentum_kit.notebook.timeline.stories import Story, stories
from momentum_kit.research.plots import FAINT, INK, STYLE, Picture
from momentum_kit.storage.journal import summarise

CLOSE_UPS = 4
WIDTH_IN, HEIGHT_IN, DPI = 16.0, 13.0, 120
SHORTEST = pd.Timedelta(minutes=5)  # least span of the time axis
READ_ME = "dashed blue: the headline   ·   ticks at the foot: decisions, grey skip, blue signal   ·   ▲ buy  ▼ sell"


def plot_timeline(journal: str | Path, out_png: str | Path | None = None, title: str | None = None) -> Picture:
    """Draw a session's journal and, where out_png is given, save it there.

    From the top: moves since each headline (%), every headline by its verdict and reason, profit after costs (USD),
    and close-ups (USD) of the symbols that mattered most. Works on a journal in which nothing happened, and never
    touches pyplot's global state. Raises StorageError.
    """
    told, equity = stories(journal), tables.equity(journal)
    close = _most_interesting(told)
    with rc_context(STYLE):
        figure = Picture(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI)
        FigureCanvasAgg(figure)
        figure.text(0.022, 0.967, title or _title(told), size=21, weight="bold", color=INK)
        figure.text(0.022, 0.942, _subtitle(summarise(journal)), size=12, color=FAINT)
        _shared_axis(figure, told, equity, bottom=0.35 if close else 0.06)
        if close:
            figure.text(0.022, 0.283, "Close-ups", size=13, weight="bold", color=INK)
            figure.text(0.965, 0.283, READ_ME, size=9.5, color=FAINT, ha="right")
            grid = figure.add_gridspec(1, CLOSE_UPS, left=0.06, right=0.965, top=0.208, bottom=0.05, wspace=0.27)
            for position, story in enumerate(close):
                draw_close_up(figure.add_subplot(grid[position]), story)
        if out_png is not None:
            figure.savefig(out_png)
    return figure


def _shared_axis(figure: Picture, told: list[Story], equity: pd.DataFrame, bottom: float) -> None:
    """The three panels that share the session's time axis."""
    heights = (3.2, 2.9, 1.7)
    grid = figure.add_gridspec(3, 1, height_ratios=heights, left=0.135, right=0.93, top=0.9, bottom=bottom, hspace=0.2)
    moves = figure.add_subplot(grid[0])
    lanes, profit = (figure.add_subplot(grid[row], sharex=moves) for row in (1, 2))
    moves.set_xlim(*numbers(_reach(told, equity)))
    label_times(profit, 14, "New York time")
    draw_profit(profit, equity)
    draw_lanes(lanes, told)
    draw_moves(moves, told)
    for axes in (moves, lanes):
        axes.tick_params(labelbottom=False)
    if not told and not len(equity):
        profit.set_xticks([])
    figure.align_ylabels([moves, profit])


def _most_interesting(told: list[Story]) -> list[Story]:
    """Best and worst round trips in turn, then signals refused, then the largest moves; in the order they happened."""
    watched = [story for story in told if len(story.marks)]
    traded = sorted((story for story in watched if story.net_usd == story.net_usd), key=lambda story: -story.net_usd)
    extremes = [traded[rank // 2 if rank % 2 == 0 else -1 - rank // 2] for rank in range(len(traded))]
    order = {"entry": 0, "refused": 1}
    others = (story for story in watched if story.net_usd != story.net_usd)
    ranked = extremes + sorted(others, key=lambda story: (order.get(story.verdict, 2), -story.reach))
    return sorted(ranked[:CLOSE_UPS], key=lambda story: story.at)


def _reach(told: list[Story], equity: pd.DataFrame) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last moment of the time axis, with a little air."""
    moments = [story.at for story in told] + [story.marks["at"].iloc[-1] for story in told if len(story.marks)]
    moments += list(equity.index[[0, -1]]) if len(equity) else []
    first = min(moments, default=pd.Timestamp("2026-01-02 14:30", tz="UTC"))
    last = max([*moments, first + SHORTEST])
    air = (last - first) * 0.012
    return first - air, last + air


def _title(told: list[Story]) -> str:
    return f"Session of {in_new_york(told[0].at):%A, %-d %B %Y}" if told else "Session without headlines"


def _subtitle(summary: Mapping[str, Any]) -> str:
    names = {"headlines": "headline", "items": "news item", "signals": "signal", "entries": "entry", "fills": "fill"}
    parts = [_counted(summary[key], name) for key, name in names.items()]
    if summary["fills"]:
        parts.append(f"{summary['net_pnl_usd']:+,.2f} USD after {summary['costs_usd']:,.2f} USD costs")
    if summary["latency_ms"]["n"]:
        parts.append(f"decision to last byte {summary['latency_ms']['p50']:.1f} ms (median)")
    return "   ·   ".join(parts)


def _counted(count: int, name: str) -> str:
    plural = "entries" if name == "entry" else f"{name}s"
    return f"{count:,} {name if count == 1 else plural}"
