"""Looks back at the trades of a session or a week: one table, groups, pictures, notes, a page, and other exits."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from momentum_kit.config import find_project, load_config
from momentum_kit.errors import InputError, StorageError
from momentum_kit.notebook.record import Run, Runs
from momentum_kit.notebook.review.notes import (
    NOTHING,
    TradeNotes,
    add_tags,
    read_notes,
    remove_tags,
    write_note,
)
from momentum_kit.notebook.review.other_exits import other_exits
from momentum_kit.notebook.review.overview import overview_picture
from momentum_kit.notebook.review.picture import trade_picture
from momentum_kit.notebook.review.trades import Trade, trades_of
from momentum_kit.notebook.tables import SessionTable
from momentum_kit.pages import Block, RenderedTable, Shown, frame_block, number, write_page
from momentum_kit.plain_text import plain_text
from momentum_kit.private_files import write_whole
from momentum_kit.research import record_folder
from momentum_kit.research.plots import Picture
from momentum_kit.sessions import NEW_YORK, exchange_day
from momentum_kit.storage.journal import query, readable

Day = date | str | None
Named = int | str

GROUPS = ("day", "hour", "catalyst", "provider", "exit", "symbol", "tag")
SHOWN_GROUPS = ("day", "hour", "catalyst", "provider", "exit", "tag")  # of the page: a symbol is rarely traded twice
FEW = 30
"""Trades below which a group is a rumour."""
LEAST_FOR_BAND = 5  # trades
NO_TRADE = "no trade to look back at"
LONGEST_NUMBER = 9  # digits
PICTURES = (".png", ".svg", ".pdf")


class Review(Shown):
    """The finished round trips of the sessions below a folder, or of the one session that it holds, oldest first.

    `Review("runs", "2026-11-16", "2026-11-20")`: New York days, both included; None: all there are. A trade is named
    by its number in `trades()`, or by its name there, which is the same in every review.
    Raises InputError for a folder or a day that is none. A session that cannot be read is told, and hides no other.
    """

    __slots__ = ("_notes", "_problems", "_sessions", "_title", "_trades")

    def __init__(self, folder: str | Path = "runs", first: Day = None, last: Day = None) -> None:
        begin, end = _day(first, date.min), _day(last, date.max)
        if begin > end:
            raise InputError(f"{begin} is after {end}: the first day comes first")
        self._sessions: list[date] = []
        self._problems: list[str] = []
        self._trades: list[Trade] = []
        self._notes: dict[Path, dict[int, TradeNotes]] = {}
        for run in _runs(Path(folder)):
            self._read(run, begin, end)
        self._trades.sort(key=lambda trade: (trade.opened_at, trade.name))
        self._title = _title(self._sessions)

    def __len__(self) -> int:
        return len(self._trades)

    @property
    def problems(self) -> tuple[str, ...]:
        """Sessions that could not be read, and why."""
        return tuple(self._problems)

    def trades(self) -> SessionTable:
        """One row a trade: what it earned and went through, what it slipped, why it began and ended, what was noted.

        mae_usd, mfe_usd: worst and best while it was held, from the closes of 5 s bars and its own fills. entry_bps,
        exit_bps: worse than the ask at the decision, and than the order's own price, where positive.
        """
        rows = [
            {
                "trade": at,
                "opened_at": trade.opened_at,
                "symbol": trade.symbol,
                "net_usd": trade.net_usd,
                "r": trade.r,
                "mae_usd": trade.excursion.worst_usd * trade.quantity,
                "mfe_usd": trade.excursion.best_usd * trade.quantity,
                "exit": trade.exit,
                "held_s": trade.held_s,
                "entry_bps": trade.entry_bps,
                "exit_bps": trade.exit_bps,
                "catalyst": trade.catalyst,
                "provider": trade.provider,
                "tags": ", ".join(self._of(trade).tags),
                "note": self._of(trade).note,
                "headline": trade.headline,
                "name": trade.name,
            }
            for at, trade in enumerate(self._trades, 1)
        ]
        columns = list(rows[0]) if rows else ["trade", "opened_at", "symbol", "net_usd", "r", "exit", "name"]
        return SessionTable.of("trades", pd.DataFrame(rows, columns=columns))

    def by(self, group: str) -> SessionTable:
        """Trades together: by day, hour (New York, of the entry), catalyst, provider, exit, symbol or tag.

        r: the mean, with its 95% band as if trades were independent of each other, from five trades on. A trade with
        two tags stands in two rows; one without a tag in none.
        """
        if group not in GROUPS:
            raise InputError(f"{group!r} is no group; choose one of {', '.join(GROUPS)}")
        found: dict[str, list[Trade]] = {}
        for trade in self._trades:
            for name in self._groups(trade, group):
                found.setdefault(name, []).append(trade)
        frame = pd.DataFrame([{group: name, **_together(found[name])} for name in sorted(found)])
        return SessionTable.of(f"by {group}", frame)

    def overview(self) -> Picture:
        """All trades together: what they came to, the spread of R, what they went through, and when."""
        if not self._trades:
            raise InputError(NO_TRADE)
        return overview_picture(self._trades)

    def picture(self, trade: Named, out: str | Path | None = None) -> Picture:
        """One trade on its tape; where out is given (.png, .svg or .pdf), saved there as well."""
        picture = trade_picture(self._named(trade))
        if out is not None:
            file = Path(out)
            if file.suffix.lower() not in PICTURES:
                raise InputError(f"{out}: a picture's name ends in one of {', '.join(PICTURES)}")
            _write(file, _drawn(picture, file.suffix[1:].lower()))
        return picture

    def tag(self, trade: Named, *tags: str) -> TradeNotes:
        """Tag a trade, such as `review.tag(3, "late", "wide spread")`; kept in its session's folder."""
        return self._changed(trade, add_tags, tags)

    def untag(self, trade: Named, *tags: str) -> TradeNotes:
        """Take tags away."""
        return self._changed(trade, remove_tags, tags)

    def note(self, trade: Named, words: str) -> TradeNotes:
        """Write a note to a trade, instead of the one before; empty words take it away."""
        return self._changed(trade, write_note, words)

    def notes(self, trade: Named) -> TradeNotes:
        """What was written to a trade so far."""
        return self._of(self._named(trade))

    def words(self, trade: Named) -> list[str]:
        """A trade in lines for a terminal: its row, a name a line."""
        row = self.trades().iloc[self._trades.index(self._named(trade))]
        told = RenderedTable.of(pd.DataFrame([row]).dropna(axis=1))
        wide = max(map(len, told.heads))
        rows = zip(told.heads, map(plain_text, told.rows[0]), strict=True)
        return [f"{head.ljust(wide)}  {cell}" for head, cell in rows if cell]

    def other_exits(self) -> SessionTable:
        """What 36 other exits would have made of the same entries: HINDSIGHT, and each is counted as a trial.

        Stop and target are multiples of the distance to the stop that was placed. lived_usd, lived_r: what the trades
        of a row came to as they were lived. Raises StorageError where the trials could not be counted.
        """
        if not self._trades:
            raise InputError(NO_TRADE)
        project = find_project()
        record = record_folder(load_config(project / "config" / "sim.yaml"))
        frame = other_exits(self._trades, record)
        caption = f"HINDSIGHT: {len(frame)} exits on {len(self)} trades, each counted as a trial; the best is lucky too"
        return SessionTable.of("other_exits", frame, caption)

    def conclusion(self) -> str:
        """The review in two sentences."""
        if not self._trades:
            return f"{self._counted('session', len(self._sessions))}, no finished trade."
        all_ = _together(self._trades)
        band = f" (95%: {all_['r_low']:+.2f} to {all_['r_high']:+.2f})" if math.isfinite(all_["r_low"]) else ""
        costs = sum(trade.costs_usd for trade in self._trades)
        told = (
            f"{self._counted('session', len(self._sessions))}, {self._counted('trade', len(self))}, {all_['won']} won: "
            f"{number(all_['net_usd'], 2, plus=True)} USD after {number(costs, 2)} USD of costs, "
            f"{number(all_['r'], 2, plus=True)} R a trade{band}."
        )
        return f"{told} Fewer than {FEW} trades are a rumour." if len(self) < FEW else told

    def blocks(self) -> Sequence[Block]:
        """The review as a cell shows it."""
        return list(self._blocks(pictures=False))

    def page(self, out: str | Path) -> Path:
        """Write all of it with a picture of each trade as one HTML file that needs nothing else; returns its path."""
        return write_page(Path(out), self._title, self._blocks(pictures=True), _STYLE)

    def _blocks(self, *, pictures: bool) -> Iterator[Block]:
        yield Block("title", self._title)
        yield Block("text", self.conclusion())
        for problem in self._problems:
            yield Block("warning", problem)
        if not self._trades:
            return
        if pictures:
            yield Block("picture", "all trades together", picture=self.overview().image("all trades together"))
        yield frame_block(self.trades().drop(columns=["note", "headline", "name"]))
        for group in SHOWN_GROUPS:
            table = self.by(group)
            if len(table):
                yield frame_block(table)
        yield Block("heading", "One by one")
        for at, trade in enumerate(self._trades, 1):
            notes = self._of(trade)
            words = str(notes) if notes != NOTHING else ""
            if pictures:
                yield Block("text", f"{at}. {trade.name}{f': {words}' if words else ''}")
                yield Block(
                    "picture", trade.headline, picture=trade_picture(trade).image(f"{trade.symbol} on its tape")
                )
            elif words:
                yield Block("text", f"{at}. {trade.symbol}: {words}")
        if not pictures and not any(self._of(trade) != NOTHING for trade in self._trades):
            yield Block("text", 'No trade has a tag or a note yet: review.tag(1, "late"), review.note(1, "...").')

    def _read(self, run: Run, begin: date, end: date) -> None:
        """A session belongs to the days on which it began and on which it traded."""
        try:
            with readable(run.journal):
                ((at,),) = query(run.journal, "SELECT min(at) FROM equity")
                trades = list(trades_of(run))
                days = {trade.day for trade in trades} | ({exchange_day(pd.Timestamp(at))} if at else set())
        except (StorageError, InputError) as error:
            self._problems.append(_about(run, plain_text(error)))
            return
        if not any(begin <= day <= end for day in days):
            return
        self._sessions += sorted(day for day in days if begin <= day <= end)[:1]
        self._trades += (trade for trade in trades if begin <= trade.day <= end)
        try:
            self._notes[run.run_dir] = read_notes(run.run_dir)
        except InputError as error:  # its trades are what they are without
            self._problems.append(str(error))

    def _of(self, trade: Trade) -> TradeNotes:
        return self._notes.get(trade.run_dir, {}).get(trade.number, NOTHING)

    def _named(self, trade: Named) -> Trade:
        words = str(trade)
        number = int(words) if words.isdecimal() and len(words) <= LONGEST_NUMBER else 0
        if 1 <= number <= len(self._trades):
            return self._trades[number - 1]
        found = next((each for each in self._trades if each.name == words), None)
        if found is None:
            known = f"1 to {len(self)}, or a name such as {self._trades[0].name}" if self._trades else "there is none"
            raise InputError(f"no trade {plain_text(words, 60)} in this review: {known}")
        return found

    def _changed(self, named: Named, change: Any, given: Any) -> TradeNotes:
        trade = self._named(named)
        notes: TradeNotes = change(trade.run_dir, trade.number, given)
        self._notes[trade.run_dir] = read_notes(trade.run_dir)
        return notes

    def _groups(self, trade: Trade, group: str) -> Sequence[str]:
        match group:
            case "day":
                return (trade.day.isoformat(),)
            case "hour":
                return (f"{trade.opened_at.tz_convert(NEW_YORK):%H}:00",)
            case "tag":
                return self._of(trade).tags
            case _:
                return (str(getattr(trade, group)),)

    @staticmethod
    def _counted(word: str, count: int) -> str:
        return f"{count:,} {word}{'' if count == 1 else 's'}"


def _runs(folder: Path) -> Sequence[Run]:
    return [Run(folder)] if (folder / "journal.db").is_file() else Runs(folder)


def _day(given: Day, otherwise: date) -> date:
    if given is None:
        return otherwise
    if isinstance(given, datetime):
        return given.date()
    if isinstance(given, date):
        return given
    try:
        return date.fromisoformat(given)
    except (ValueError, TypeError):
        raise InputError(f"{given!r} is no day; write it as 2026-11-20") from None


def _about(run: Run, words: str) -> str:
    """A problem names its session."""
    return words if plain_text(run.run_dir) in words else plain_text(f"{run.journal}: {words}")


def _drawn(picture: Picture, form: str) -> bytes:
    drawn = BytesIO()
    picture.savefig(drawn, format=form)
    return drawn.getvalue()


def _write(file: Path, content: str | bytes) -> None:
    try:
        write_whole(file, content)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise StorageError(f"{file}: not written: {words}") from None


def _title(days: Sequence[date]) -> str:
    if not days:
        return "Review: no session"
    first, last = min(days), max(days)
    return f"Review of {first:%A, %-d %B %Y}" + ("" if first == last else f" to {last:%A, %-d %B %Y}")


def _together(trades: Sequence[Trade]) -> Mapping[str, Any]:
    """Some trades in numbers."""
    net, r = (np.array([getattr(trade, name) for trade in trades]) for name in ("net_usd", "r"))
    known = r[np.isfinite(r)]
    mean = float(known.mean()) if known.size else math.nan
    reach = math.nan
    if known.size >= LEAST_FOR_BAND:
        reach = float(known.std(ddof=1) / math.sqrt(known.size) * stdtrit(known.size - 1, 0.975))
    seen = [trade.excursion for trade in trades]
    return {
        "trades": len(trades),
        "won": int((net > 0).sum()),
        "net_usd": float(net.sum()),
        "r": mean,
        "r_low": mean - reach,
        "r_high": mean + reach,
        "mae_usd": _mean([each.worst_usd * trade.quantity for each, trade in zip(seen, trades, strict=True)]),
        "mfe_usd": _mean([each.best_usd * trade.quantity for each, trade in zip(seen, trades, strict=True)]),
        "entry_bps": _mean([trade.entry_bps for trade in trades]),
        "mark": "few" if len(trades) < FEW else "",
    }


def _mean(values: Sequence[float]) -> float:
    """Of those that are known."""
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:82rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}"
)
