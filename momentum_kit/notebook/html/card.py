"""The card that a kit shows of itself: banner, lights, holdings, and the last decision rule by rule. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from momentum_kit.models import EngineStatus
from momentum_kit.notebook.html.markup import Html, chip, clock, in_new_york, join, number, table, tag
from momentum_kit.notebook.html.status import banner, incidents, lights, positions_table
from momentum_kit.notebook.html.style import STYLE

COUNTS = ("headlines", "items", "decisions", "signals", "entries", "fills", "round_trips")


def status_card(status: EngineStatus, decisions: Sequence[Mapping[str, Any]] = ()) -> Html:
    """A session at one look; decisions: rows of the journal whose rules are shown, the newest last."""
    counts = ", ".join(f"{status.counts[name]:,} {name.replace('_', ' ')}" for name in COUNTS if name in status.counts)
    parts = [banner(status), lights(status), incidents(status.incidents), positions_table(status.positions)]
    parts += [decision_trace(row) for row in reversed(decisions)]
    foot = f"{counts or 'nothing heard yet'}; engine pid {status.pid}; record in {status.run_dir}"
    return join((STYLE, tag("div", join((*filter(None, parts), tag("div", foot, "mk-faint"))), "mk mk-card")))


def decision_trace(row: Mapping[str, Any]) -> Html:
    """One decision: each rule's value beside its limit, and what came of it."""
    signal = row["verdict"] == "signal"
    why = in_new_york(": ".join(filter(None, (row.get("reason"), row.get("detail")))), row["decided_at"])
    verdict = chip("signal", "good") if signal else join((chip("no signal", "off"), " ", why))
    head = join((tag("b", row["symbol"]), f" at {clock(row['decided_at'])}, {number(row.get('price'))} USD  ", verdict))
    rows = [
        (rule["rule"], number(rule["value"], 4), number(rule["threshold"], 4),
         chip("passed", "good") if rule["passed"] else chip("failed", "bad"))
        for rule in row.get("rules") or ()
    ]  # fmt: skip
    return join((tag("div", head), table("Rules", ("rule", ">value", ">limit", "verdict"), rows, "no rule was asked")))


def ended_card(words: str) -> Html:
    """In place of a session's card where nothing answers and nothing was left."""
    return join((STYLE, tag("div", tag("div", words, "mk-words mk-words-bad"), "mk mk-card")))
