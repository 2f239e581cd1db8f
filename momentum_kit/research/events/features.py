"""Builds the event table of one symbol from its news items: catalysts, features and gates; one task of a study."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.config import DetectionSettings, NewsSettings, Thresholds
from momentum_kit.detection.batch import (
    NO_SESSION,
    NOWHERE,
    BarColumns,
    DayColumns,
    EventColumns,
    QuoteColumns,
    day_columns,
    decision_times,
    feature_arrays,
    gate_arrays,
)
from momentum_kit.detection.live import Gates
from momentum_kit.detection.news import classify, distinctive_words
from momentum_kit.research.events.table import FEATURES, NO_BARS, EventTable, concat, event_frame
from momentum_kit.research.seals import day_contents
from momentum_kit.research.source import Source, bars_of, covered_by_5s, quotes_of
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES, QUOTES_5S, day_bounds

EXTENDED_HOURS = (4, 20)  # New York; IB's extended hours


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    """How events are made: the engine's own settings, and what an archive leaves open.

    bar_s: 5 or 60 for every event; None takes 5 s bars where the archive covers an event with them.
    assumed_spread_bps: stands in where there is no series of quotes; nan leaves those events without a quote.
    """

    news: NewsSettings = field(default_factory=NewsSettings)
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    thresholds: Thresholds = field(default_factory=Thresholds)
    calendar: str = "XNYS"
    bar_s: Literal[5, 60] | None = None
    assumed_spread_bps: float = float("nan")


def symbol_table(news: pd.DataFrame, source: Source, settings: EventSettings) -> EventTable:
    """The events of one symbol, in order of reception.

    news: the columns of EVENT_DTYPES but `session`, and sentiment, confidence, n_tickers; without `catalyst` it is read
    from the text, which takes name and analyst_action. later_at, later_catalyst: of an update, if there are any.
    """
    news = news.sort_values(["received_at", "item_id"], kind="stable", ignore_index=True)
    received, published = _micros(news["received_at"]), _micros(news["published_at"])
    symbol = str(news["symbol"].iloc[0])
    by_day, row = np.unique(news["day"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    days: list[date] = by_day.tolist()
    reach = timedelta(days=7 + 2 * settings.detection.baseline_sessions)
    minutes = bars_of(source, BARS, symbol, days[0] - reach, days[-1])
    background = day_columns(minutes, days, settings.detection.baseline_sessions, settings.calendar)
    k, c, tickers = (_floats(news[name]) for name in ("sentiment", "confidence", "n_tickers"))
    items = EventColumns(received, published, row.astype(np.int64), k, c, tickers)
    frame = event_frame(
        {
            **news,
            "catalyst": news["catalyst"] if "catalyst" in news else catalysts(news),
            "session": _sessions(received, row, background, days),
            "content": _contents(minutes, source, symbol, days)[row],
        }
    )
    barred = _barred_from(news, frame, settings.thresholds)
    if settings.bar_s is None:
        fine = covered_by_5s(source, symbol, received)
    else:
        fine = np.full(received.size, settings.bar_s == 5)
    parts = []
    for chosen, bar_s in ((fine, 5), (~fine, 60)):
        if chosen.any():
            bars = bars_of(source, BARS_5S, symbol, days[0] - timedelta(days=1), days[-1]) if bar_s == 5 else minutes
            quotes = _quotes(source, symbol, days, bar_s)
            events = EventColumns(*(column[chosen] for column in items))  # type: ignore[arg-type]
            parts.append(
                _part(frame[chosen], barred[chosen], events, minutes, bars, quotes, background, bar_s, settings)
            )
    if len(parts) == 1:
        return parts[0]
    return concat(parts).select(np.argsort(np.concatenate([np.flatnonzero(fine), np.flatnonzero(~fine)])))


def _contents(minutes: BarColumns, source: Source, symbol: str, days: list[date]) -> npt.NDArray[np.object_]:
    """By day; of the 5 s bars where there are no minutes."""
    bars = minutes if minutes.end.size else bars_of(source, BARS_5S, symbol, days[0], days[-1])
    return np.array(day_contents(bars, days), object)


def _part(
    frame: pd.DataFrame, barred_from: npt.NDArray[np.int64], events: EventColumns, minutes: BarColumns,
    bars: BarColumns, quotes: QuoteColumns, background: DayColumns, bar_s: int, settings: EventSettings,
) -> EventTable:  # fmt: skip
    detection = settings.detection
    at = decision_times(events.received_at, bar_s, detection.judge_until_s)
    found = feature_arrays(events, at, minutes, bars, quotes, background, settings.assumed_spread_bps)
    barred = at.view(np.int64) >= barred_from[:, None]
    gates = Gates(detection.min_baseline_sessions, detection.max_quote_age_s)
    gate = gate_arrays(barred, found.features, found.quoted, gates)
    gate[at == NOWHERE] = NO_BARS
    marks = ["BARS 60 s"] if bar_s == 60 else []
    if not quotes.end.size:
        assumed = settings.assumed_spread_bps
        marks.append("NO QUOTES" if np.isnan(assumed) else f"NO QUOTES: a spread of {assumed:g} bps is assumed")
    for name, values in (("NO TRADE COUNTS", bars.trades), ("NO WAP", bars.wap)):
        if values.size and np.isnan(values).all():
            marks.append(name)
    return EventTable(
        events=frame.reset_index(drop=True),
        at=at.view("datetime64[us]"),  # NOWHERE is NaT
        features={name: found.features[name] for name in FEATURES},
        gate=gate,
        marks=tuple(marks),
    )


def _barred_from(news: pd.DataFrame, frame: pd.DataFrame, thresholds: Thresholds) -> npt.NDArray[np.int64]:
    """(N,) microseconds from which no long is opened on an item: its first telling, a later one, or never."""
    never = np.iinfo(np.int64).max
    later = np.full(len(news), never)
    if "later_at" in news:
        told = news["later_catalyst"].isin(thresholds.barred_catalysts).to_numpy()
        later = np.where(told, news["later_at"].to_numpy(np.int64), never)
    return np.where(frame["catalyst"].isin(thresholds.barred_catalysts).to_numpy(), np.iinfo(np.int64).min + 1, later)


def _quotes(source: Source, symbol: str, days: Sequence[date], bar_s: int) -> QuoteColumns:
    """The series that goes with the bars, else the other one."""
    kinds = (QUOTES_5S, QUOTES) if bar_s == 5 else (QUOTES, QUOTES_5S)
    found = quotes_of(source, kinds[0], symbol, days[0] - timedelta(days=1), days[-1])
    return found if found.end.size else quotes_of(source, kinds[1], symbol, days[0] - timedelta(days=1), days[-1])


def catalysts(news: pd.DataFrame) -> list[str]:
    """What each news item is about, read from its text, its symbol and the company's name."""
    rows = zip(news["text"], news["symbol"], news["name"], news["analyst_action"], strict=True)
    return [
        classify(text, (symbol, *distinctive_words(name)[:1]), analyst_action=bool(marked)).catalyst.value
        for text, symbol, name, marked in rows
    ]


def _sessions(
    received: npt.NDArray[np.int64], row: npt.NDArray[Any], days: DayColumns, dates: Sequence[date]
) -> npt.NDArray[np.str_]:
    opened, closed = days.open_at[row], days.close_at[row]
    hour = (received - np.array([day_bounds(day)[0] for day in dates])[row]) / 3.6e9
    extended = (hour >= EXTENDED_HOURS[0]) & (hour < EXTENDED_HOURS[1]) & (opened != NO_SESSION)
    where = [(received >= opened) & (received < closed), extended & (received < opened), extended]
    return np.select(where, ["regular", "pre", "post"], "closed")


def _micros(times: "pd.Series[Any]") -> npt.NDArray[np.int64]:
    micros: npt.NDArray[np.int64] = times.dt.tz_convert(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return micros


def _floats(column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    return column.to_numpy(dtype=np.float64)
