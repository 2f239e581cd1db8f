"""What went wrong in a session, how long it lasted, and what it leaves for a human to do; for the flight log."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from momentum_kit.models import TradingState
from momentum_kit.notebook.flight_log.facts import RunFacts
from momentum_kit.notebook.flight_log.result import signal_departure
from momentum_kit.pages import Html
from momentum_kit.storage.journal import query

ENDS = {  # what an incident of a kind says when the trouble is over
    "connection": "reconnected",
    "broker link": "up:",
    "data farm": " is up again",
    "session conflict": "over:",
    "disk": "writing again",
}
HALT = "entries halted"
ALWAYS = {  # kinds of incidents that somebody has to look at even after they are over, and why
    "failure": "read the runbook's entry before the next session",
    "protection": "find out why a position was without its stop",
    "flatten": "find out why it did not end flat in time",
    "kill": "make room on the disk, then kill again or clear",
    "disk": "make room on the disk before the next session",
    "doubt": "compare this order with the broker's own record",
    "reconcile": "compare these shares with the broker's own record",
    "recorder": "the day's recording is not whole",
    "unreadable": "the gateway sent what this version cannot read",
    "unknown code": "add the code to config/error_codes.yaml",
    "session conflict": "somebody else uses this user name",
    "daily loss": "decide whether to trade tomorrow",
}
FREQUENT = 3  # of the same kind are told by their number


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One trouble. until: None where it has no duration or never ended; lasting: it is of a kind that has one."""

    kind: str
    text: str
    since: datetime
    until: datetime | None = None
    ended_by: str = ""
    lasting: bool = False

    @property
    def open(self) -> bool:
        """It had not ended when the session did."""
        return self.lasting and self.until is None

    @property
    def lasted(self) -> str:
        """For people."""
        if self.until is None:
            return "to the end" if self.lasting else ""
        seconds = (self.until - self.since).total_seconds()
        return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def episodes(journal: Path) -> tuple[Episode, ...]:
    """All of a journal, in the order they began; what is told of a trouble under way belongs to it."""
    told: list[Episode] = []
    under_way: dict[str, int] = {}  # key of a trouble -> its place in `told`
    events = query(
        journal,
        "SELECT at, kind, text FROM incidents UNION ALL "
        "SELECT at, 'resume', source FROM commands WHERE command = 'resume' AND outcome = 'accepted' ORDER BY 1",
    )
    for stamp, kind, text in events:
        at = datetime.fromisoformat(stamp)
        if kind == "resume":
            _end(told, under_way, HALT, at, f"resumed by {text}")
            continue
        key = _key(kind, text)
        if kind in ENDS and ENDS[kind] in text:
            _end(told, under_way, key, at, text)
        elif key in under_way:
            place = under_way[key]
            if text not in told[place].text:
                told[place] = replace(told[place], text=f"{told[place].text}; {text}")
        else:
            lasting = kind in ENDS or kind == HALT
            if lasting:
                under_way[key] = len(told)
            told.append(Episode(kind=kind, text=text, since=at, lasting=lasting))
    return tuple(told)


def _key(kind: str, text: str) -> str:
    """Farms come and go one by one."""
    return f"{kind}: {text.partition(' is ')[0]}" if kind == "data farm" else kind


def _end(told: list[Episode], under_way: dict[str, int], key: str, at: datetime, words: str) -> None:
    place = under_way.pop(key, None)
    if place is not None:
        told[place] = replace(told[place], until=at, ended_by=words)


def long_words(words: str) -> Html:
    """Text of more than one line, whole and escaped."""
    return Html(html.escape(words).replace("\n", "<br>"))


def needs_a_human(facts: RunFacts, incidents: Sequence[Episode]) -> list[str]:
    """One sentence each; empty where nothing is left to do."""
    return [*_held(facts), *_incidents(incidents), *_kernels(facts), *_expectation(facts)]


def _held(facts: RunFacts) -> list[str]:
    status = facts.status
    if status is None:
        return ["The engine ended without a last word: look at the broker's own positions and orders now."]
    needs = []
    if status.positions:
        held = ", ".join(f"{view.quantity:g} {view.symbol}" for view in status.positions)
        needs.append(
            f"Held at the end: {held}. Their stops rest at the broker; start again to take over, or close them."
        )
    if status.state is TradingState.KILLED:
        clear = f"momentum-kit clear {status.arguments or '--config FILE'}"
        needs.append(f"The account is latched as killed: {clear}, once you know why.")
    return needs


def _incidents(incidents: Sequence[Episode]) -> list[str]:
    needs = []
    for kind in dict.fromkeys(each.kind for each in incidents):
        ours = [each for each in incidents if each.kind == kind]
        if kind in ALWAYS:
            more = f" (and {len(ours) - FREQUENT} more)" if len(ours) > FREQUENT else ""
            texts = "; ".join(each.text for each in ours[:FREQUENT])
            needs.append(f"{kind}: {texts}{more}: {ALWAYS[kind]}.")
        elif any(each.open for each in ours):
            needs.append(f"{kind}: {next(each.text for each in ours if each.open)}: it had not ended with the session.")
    return needs


def _kernels(facts: RunFacts) -> list[str]:
    if not facts.deaths:
        return []
    return [f"The notebook's kernel died {len(facts.deaths)} times: {facts.deaths[-1].words}."]


def _expectation(facts: RunFacts) -> list[str]:
    needs = []
    if side := signal_departure(facts):
        needs.append(f"Too {side} signals for what research promised: these thresholds were made for another market.")
    export = facts.config.thresholds.export
    if export and export.verdict != "accept":
        needs.append(
            f"The thresholds were exported with the verdict '{export.verdict}': {export.despite or 'no reason'}."
        )
    if facts.status and facts.status.thresholds_changed:
        needs.append("The thresholds were changed during the session: keep the set that you want, or revert it.")
    return needs
