"""Pictures for a first look at an archive: how late headlines arrive, and one headline on its tape."""

import math
import textwrap
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.ticker import FuncFormatter

from momentum_kit.detection.batch import SECOND
from momentum_kit.errors import ResearchError
from momentum_kit.plain_text import plain_text
from momentum_kit.research.events import Source
from momentum_kit.research.plots.style import BLUE, FAINT, GREEN, GREY, INK, ORANGE, RED, STYLE, Picture, head
from momentum_kit.storage.archive import BARS_5S, QUOTES_5S

COLOURS = (BLUE, ORANGE, GREEN, RED, "#cc79a7", "#56b4e9", GREY, INK)
BEFORE_S, AFTER_S = 180, 600
TICKS_S = (0.1, 0.3, 1, 3, 10, 30, 60, 120, 600)


def delay_plot(items: pd.DataFrame) -> Picture:
    """Share of headlines received within so many seconds of their publication, by provider.

    items: HeadlineCounts.items. Raises ResearchError for more providers than can be told apart.
    """
    providers = items.groupby("provider")["delay_s"]
    if len(providers) > len(COLOURS):
        raise ResearchError(f"plot: {len(providers)} providers; {len(COLOURS)} can be told apart: select some first")
    with rc_context(STYLE):
        figure = Picture(figsize=(8.5, 3.6), layout="constrained")
        axes = figure.add_subplot()
        for colour, (name, delays) in zip(COLOURS, providers, strict=False):
            ordered = np.sort(delays.to_numpy())
            share = np.arange(1, len(ordered) + 1) / len(ordered)
            axes.step(np.maximum(ordered, TICKS_S[0]), share, where="post", color=colour, lw=2, label=str(name))
        axes.set_xscale("log")
        reach = max(float(items["delay_s"].max()), 10.0)
        shown = [tick for tick in TICKS_S if tick <= 1.2 * reach]
        axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("received so many seconds after publication")
        axes.set_ylabel("share of headlines")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.legend(frameon=False, fontsize=9.5, loc="lower right")
        words = f"{len(items):,} items, median {items['delay_s'].median():.1f} s, one in ten above "
        words += f"{items['delay_s'].quantile(0.9):.1f} s"
        if bool(items["imputed"].any()):
            words += f"\nIMPUTED: {items['imputed'].mean():.0%} of the receptions"
        head(axes, "How late headlines arrive", words)
    return figure


def tape_plot(source: Source, event: Mapping[str, Any], judged_s: float = 120.0) -> Picture:
    """Price, bid and ask and volume in 5 s around one headline; shaded: the time in which it may signal.

    event: a row of EventTable.events, or of a tear sheet's fills: then the decision and the sale are drawn as well.
    Raises ResearchError where the archive has no bars there.
    """
    published, received = (pd.Timestamp(str(event[name])) for name in ("published_at", "received_at"))
    symbol, day = str(event["symbol"]), pd.Timestamp(str(event["day"])).date()
    bought, sold = _held(event, published)
    after_s = max(AFTER_S, sold + 60.0) if np.isfinite(sold) else AFTER_S
    bars = _around(source, BARS_5S, symbol, published, day, after_s)
    if bars.empty:
        raise ResearchError(f"plot: no 5 s bars of {symbol} around {published:%Y-%m-%d %H:%M}")
    quotes = _around(source, QUOTES_5S, symbol, published, day, after_s)
    late_s = (received - published).total_seconds()
    with rc_context(STYLE):
        figure = Picture(figsize=(10, 5), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.5, 1))
        for axes in (upper, lower):
            axes.axvspan(late_s, late_s + judged_s, color=ORANGE, alpha=0.12, lw=0)
            axes.axvline(0, color=INK, lw=1)
            for at_s, colour in ((bought, GREEN), (sold, RED)):
                if np.isfinite(at_s):
                    axes.axvline(at_s, color=colour, lw=1.6, linestyle=(0, (4, 2)))
        if not quotes.empty:
            upper.fill_between(
                quotes["at_s"], quotes["bid_close"], quotes["ask_close"], step="post", color=GREY, alpha=0.45, lw=0
            )
        upper.step(bars["at_s"], bars["close"], where="post", color=BLUE, lw=1.8)
        upper.set_ylabel(f"{symbol}, USD")
        lower.bar(bars["at_s"], bars["volume"] / 1e3, width=5, color=BLUE, lw=0)
        lower.set_ylabel("thousand shares")
        lower.set_xlabel("seconds since the headline was published")
        lower.set_xlim(-BEFORE_S, after_s)
        text = textwrap.shorten(plain_text(str(event["text"]), 400), 150, placeholder=" ...")
        dashed = "\ndashed: decided (green) and sold" if np.isfinite(bought) else ""
        words = (
            f"{text}\n{event['provider']}, {published.tz_convert('America/New_York'):%Y-%m-%d %H:%M:%S} "
            f"New York, received {late_s:.1f} s later; orange: when it may signal; grey: bid to ask{dashed}"
        )
        head(upper, f"One headline on its tape: {symbol}", words)
        upper.tick_params(axis="x", colors=FAINT)
    return figure


def _held(event: Mapping[str, Any], published: pd.Timestamp) -> tuple[float, float]:
    """When a fill was decided and sold, seconds since the publication; nan where the row is of no fill."""
    if "decided_at" not in event:
        return math.nan, math.nan
    decided_s = (pd.Timestamp(str(event["decided_at"])) - published).total_seconds()
    return decided_s, decided_s + float(event["held_s"])


def _around(source: Source, kind: str, symbol: str, published: pd.Timestamp, day: date, after_s: float) -> pd.DataFrame:
    """Rows around the headline, at_s the end of each in seconds since its publication; empty where there are none."""
    if not any(each == day for each in source.provenances(kind, symbol)):
        return pd.DataFrame()
    frame = pd.DataFrame(dict(source.columns(kind, symbol, day, day)))
    frame["at_s"] = frame["start"] / SECOND + 5 - published.timestamp()
    return frame[frame["at_s"].between(-BEFORE_S, after_s)]
