"""A session's incidents as episodes: what began, how long it lasted, what ended it."""

import html
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
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
            told.append(Episode(kind, text, at, lasting=lasting))
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
