"""Event tables: every headline of an archive, tied to its contracts, with what the detector would have known and when.

    table = build(Archive("data/archive"), date(2026, 1, 2), date(2026, 6, 30))

From memory, without any file (columns as Archive.columns gives them, `days` the exchange days they speak for):

    source = MemorySource({("bars_1m", "ACME"): columns, ("bars_5s", "ACME"): finer}, days, headlines, masters)
    table = build(source, days[0], days[-1])

and for who has his news items already (a frame with the columns of table.EVENT_DTYPES but `session`, and sentiment,
confidence and n_tickers) without reading headlines:

    table = event_table(news, source)

Nothing here can look ahead: features read bars that had ended by their decision time, stories are remembered in the
order of reception, an imputed reception depends on its headline alone, and baselines end before the day begins.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd

from momentum_kit.detection.news import SymbolMaster
from momentum_kit.errors import ResearchError
from momentum_kit.research.events.features import EventSettings, symbol_table
from momentum_kit.research.events.news import Run, read_news
from momentum_kit.research.events.reading import Latency
from momentum_kit.research.events.table import EventTable, concat
from momentum_kit.research.source import MemorySource, Source

__all__ = ["EventSettings", "Latency", "MemorySource", "build", "build_files", "event_table", "load_files"]

FILE = "events.parquet"


def build(
    source: Source,
    first_day: date,
    last_day: date,
    settings: EventSettings | None = None,
    latency: Latency | None = None,
    master: SymbolMaster | None = None,
    run: Run = map,
) -> EventTable:
    """The table of all headlines received from first_day to last_day (New York, both included), symbol by symbol.

    latency: imputes receptions nobody recorded, and marks the table IMPUTED. master: as the live session has it, None
    for none. run: where the work is done, a Cluster's `run` for other machines.
    Raises ResearchError, one line, where nothing is left to study or the input cannot be.
    """
    settings = settings or EventSettings()
    news = read_news(source, first_day, last_day, settings.news, latency, master, run)
    if not news.rows:
        raise ResearchError(f"nothing came of {news.heard} headlines: {_reasons(news.skips)}; choose other days")
    table = event_table(news.frame(), source, settings, run)
    return _marked(table, news.marks)


def event_table(
    news: pd.DataFrame, source: Source, settings: EventSettings | None = None, run: Run = map
) -> EventTable:
    """The table of news items that are known already; ResearchError where there is none or a time is naive."""
    task = partial(_table, source=source, settings=settings or EventSettings())
    return concat(list(run(task, _by_symbol(news))))


def build_files(
    source: Source,
    first_day: date,
    last_day: date,
    folder: Path,
    settings: EventSettings | None = None,
    latency: Latency | None = None,
    master: SymbolMaster | None = None,
    run: Run = map,
) -> list[Path]:
    """The same as files of one symbol and month each, FOLDER/symbol=ACME/month=2026-01/events.parquet; returns them.

    Where `run` works elsewhere, the files are written there: the folder must be a shared one.
    """
    settings = settings or EventSettings()
    news = read_news(source, first_day, last_day, settings.news, latency, master, run)
    if not news.rows:
        raise ResearchError(f"nothing came of {news.heard} headlines: {_reasons(news.skips)}; choose other days")
    task = partial(_save, source=source, settings=settings, folder=folder, marks=news.marks)
    return [file for files in run(task, _by_symbol(news.frame())) for file in files]


def load_files(folder: Path, columns: Iterable[str] | None = None) -> EventTable:
    """Every file below the folder as one table; columns as EventTable.load takes them."""
    files = sorted(folder.glob(f"symbol=*/month=*/{FILE}"))
    if not files:
        raise ResearchError(f"{folder}: no event files; build some first")
    wanted = list(columns) if columns is not None else None
    return concat([EventTable.load(file, wanted) for file in files])


def _by_symbol(news: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The tasks of a study, in order of symbol."""
    if news.empty:
        raise ResearchError("no news items: the selection is empty")
    for name in ("published_at", "received_at"):
        if getattr(news[name].dtype, "tz", None) is None:
            raise ResearchError(f"news: {name} is naive; say its zone, for instance with dt.tz_localize")
    for _, rows in news.groupby("symbol", sort=True):
        yield rows


def _table(rows: pd.DataFrame, source: Source, settings: EventSettings) -> EventTable:
    return symbol_table(rows, source, settings)


def _save(
    rows: pd.DataFrame, source: Source, settings: EventSettings, folder: Path, marks: tuple[str, ...]
) -> list[Path]:
    table = _marked(symbol_table(rows, source, settings), marks)
    months, files = table.events["day"].dt.strftime("%Y-%m"), []
    for month in sorted(months.unique()):
        files.append(folder / f"symbol={table.events['symbol'].iloc[0]}" / f"month={month}" / FILE)
        table.select((months == month).to_numpy()).save(files[-1])
    return files


def _marked(table: EventTable, marks: tuple[str, ...]) -> EventTable:
    return EventTable(
        events=table.events, at=table.at, features=table.features, gate=table.gate, marks=(*marks, *table.marks)
    )


def _reasons(skips: "dict[str, int]") -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(skips.items()) if count) or "none was live"
