"""The flight log: what an operator forwards of a session, section by section; each is HTML that a notebook shows."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from momentum_kit.notebook.flight_log.facts import RunFacts
from momentum_kit.notebook.flight_log.incidents import Episode, episodes, long_words, needs_a_human
from momentum_kit.notebook.flight_log.orders import decision_rows, order_rows
from momentum_kit.notebook.flight_log.quality import parity_words, quality_rows
from momentum_kit.notebook.flight_log.result import result_rows
from momentum_kit.notebook.html import STYLE
from momentum_kit.notebook.record import RecordTables
from momentum_kit.pages import Html, chip, clock, gain, join, number, table, tag
from momentum_kit.research import code_version

SHOWN = 500  # decisions: a day of headlines shall not make the report unreadable


class LogSection(Html):
    """Markup that a notebook shows as it is, and a plain reader as one line."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self):,} characters of HTML>"


class FlightLog:
    """Reads what a session left in its run folder; works on a session that has ended, however it ended."""

    def __init__(self, kit: RecordTables, config: str | Path, until: str = "") -> None:
        self.facts = RunFacts(kit.run_dir, Path(config), until)

    def verdict(self) -> LogSection:
        """The session in two lines: how it ended, what it earned, and whether somebody has to do something."""
        facts, summary = self.facts, self.facts.summary
        status = facts.status
        ended = f"{status.state}: {status.reason}" if status else "the engine ended without a last word"
        held = ", ".join(f"{view.quantity:g} {view.symbol}" for view in status.positions) if status else "unknown"
        numbers = f"{summary['headlines']:,} headlines, {summary['signals']:,} signals, {summary['entries']:,} entries"
        needs = self._needs
        todo = chip("nothing needs a human", "good") if not needs else chip(f"{len(needs)} for a human", "bad")
        earned = (f"{numbers}; ", gain(summary["net_pnl_usd"]), " USD after costs; held: ", held or "nothing")
        lines = (
            tag("div", join((tag("b", f"{facts.day:%A, %-d %B %Y}, New York time"), "  ", todo, "  ", ended))),
            tag("div", join(earned)),
        )
        return _section(tag("div", join(lines), "mk-words" + (" mk-words-bad" if needs else "")))

    def configured(self) -> LogSection:
        """What was configured, with a hash of everything that decides."""
        facts = self.facts
        rows = [*facts.configured(), ("code", code_version(), "release and hash of the code that decides")]
        return _section(table("Configured", ("what", "value", "note"), _wrapped(rows), ""))

    def counts(self) -> LogSection:
        """What was heard and what became of it, by reason."""
        summary = self.facts.summary
        names = ("headlines", "items", "signals", "entries", "orders", "fills", "round_trips")
        rows = [(name.replace("_", " "), f"{summary[name]:,}") for name in names]
        rows += [(f"not traded: {reason}", f"{count:,}") for reason, count in summary["skips"].items()]
        latency = summary["latency_ms"]
        if latency["n"]:
            rows.append(
                ("decision to last byte, ms", f"{latency['p50']:.2f} in the median, {latency['p99']:.2f} at p99")
            )
        return _section(table("In numbers", ("what", ">count"), rows, ""))

    def decisions(self) -> LogSection:
        """The last word on each story that was tied to a symbol."""
        rows = decision_rows(self.facts.journal)
        left_out = f", the last {SHOWN:,} of {len(rows):,}" if len(rows) > SHOWN else ""
        heads = ("at", "symbol", "verdict", "reason", "headline")
        return _section(table(f"Decisions{left_out}", heads, rows[-SHOWN:], "no story was tied to a symbol"))

    def orders(self) -> LogSection:
        """Every order with its reason and what became of it."""
        heads = ("sent", "symbol", "leg", "order", "why", "what became of it", ">slippage bps")
        return _section(table("Orders", heads, order_rows(self.facts.journal), "no order was sent"))

    def result(self) -> LogSection:
        """Profit, costs, signals and slippage beside what was expected of them."""
        heads = ("measure", ">this session", "expected", "verdict")
        return _section(table("Against expectation", heads, result_rows(self.facts), ""))

    def round_trips(self) -> LogSection:
        """Every position from entry to exit."""
        rows = [
            (clock(row["opened_at"]), clock(row["closed_at"]), tag("b", row["symbol"]), number(row["quantity"], 0),
             number(row["entry_price"]), number(row["exit_price"]), number(row["gross_usd"]), _costs(row),
             gain(row["net_usd"]), number(row["r"], 2, plus=True), row["reason"])
            for row in self.facts.rows("round_trips")
        ]  # fmt: skip
        heads = ("opened", "closed", "symbol", ">shares", ">bought", ">sold", ">gross USD", ">costs USD", ">net USD",
                 ">R", "closed by")  # fmt: skip
        return _section(table("Round trips", heads, rows, "no position was closed"))

    def incidents(self) -> LogSection:
        """What went wrong and how long it lasted."""
        rows = [
            (clock(each.since), each.kind, tag("div", each.text, "mk-wrap"), each.lasted, each.ended_by or "")
            for each in self._episodes
        ]
        rows += [
            (f"{clock(death.at)}, by the wall", "kernel", tag("div", death.words, "mk-wrap"), "", death.then)
            for death in self.facts.deaths
        ]
        return _section(table("Incidents", ("at", "kind", "what", "lasted", "ended by"), rows, "no incident"))

    def data_quality(self) -> LogSection:
        """How whole and how fresh the data were that decided."""
        rows = quality_rows(self.facts, self._episodes)
        return _section(table("Data quality", ("what", ">count", "in words"), rows, ""))

    def parity(self) -> LogSection:
        """Whether a replay of the recorded day decides the same; takes as long as the replay."""
        words, good = parity_words(self.facts)
        return _section(tag("div", long_words(words), f"mk-words{'' if good else ' mk-words-warn'}"))

    def needs_a_human(self) -> LogSection:
        """What somebody has to look at; says so where there is nothing."""
        if not self._needs:
            return _section(tag("div", "Nothing: the session ended in order and nothing is left to do.", "mk-words"))
        return _section(tag("div", tag("ol", join(tag("li", each) for each in self._needs)), "mk-words mk-words-bad"))

    @cached_property
    def _episodes(self) -> tuple[Episode, ...]:
        return episodes(self.facts.journal)

    @cached_property
    def _needs(self) -> Sequence[str]:
        return needs_a_human(self.facts, self._episodes)


def _section(content: Html) -> LogSection:
    return LogSection(join((STYLE, tag("div", content, "mk mk-flight"))))


def _costs(row: Mapping[str, object]) -> str:
    """With a word where a part of them is not the broker's."""
    basis = row.get("costs_basis")  # a journal of an older kit has none
    return number(row["costs_usd"]) + (f" ({basis})" if basis not in (None, "", "reported") else "")


def _wrapped(rows: Sequence[Sequence[object]]) -> list[tuple[object, ...]]:
    """The cells after the first may break."""
    return [(row[0], *(tag("div", cell, "mk-wrap") for cell in row[1:])) for row in rows]
