"""What a human is told when: pages, at once and again until somebody has them, and one digest of everything else; pure.

A page is about a matter, such as one symbol without a stop. While the matter stands its words are kept up to date, and
are sent at 0, 2 and 10 minutes; an acknowledgement ends that, and so does the end of the matter, which is told.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from momentum_kit.config import AlertSettings
from momentum_kit.sessions import in_words

LEVELS = {"info": 20, "warning": 30, "critical": 50}
PAGED_AT = (timedelta(0), timedelta(minutes=2), timedelta(minutes=10))
REMEMBERED = 200  # texts of a digest; what comes after them is counted
SHOWN = 30  # lines of a digest


@dataclass(frozen=True, slots=True)
class Message:
    """One notification. level: of LEVELS; kind: page, or digest."""

    level: str
    kind: str
    text: str


@dataclass(slots=True)
class _Page:
    text: str
    since: datetime
    sent: int = 0
    settled: bool = False
    taken: bool = False  # somebody has acknowledged it

    @property
    def open(self) -> bool:
        """It will be sent again."""
        return not self.settled and not self.taken and self.sent < len(PAGED_AT)


@dataclass(slots=True)
class _Item:
    at: datetime
    times: int = 1


class AlertPolicy:
    """Asked from one thread at a time; all times are aware."""

    def __init__(self, settings: AlertSettings) -> None:
        self._least = LEVELS[settings.min_level]
        self._apart = timedelta(seconds=settings.repeat_after_s)
        self._every = timedelta(seconds=settings.digest_every_s)
        self._quiet = (_time(settings.quiet_from), _time(settings.quiet_until))
        self._zone = ZoneInfo(settings.quiet_zone)
        self._pages: dict[str, _Page] = {}
        self._over: list[str] = []  # what has ended since, of which a human had been paged
        self._items: dict[tuple[str, str], _Item] = {}  # of the next digest
        self._more = 0

    def note(self, level: str, text: str, at: datetime) -> None:
        """Something for the digest."""
        if LEVELS[level] < self._least:
            return
        known = self._items.get((level, text))
        if known:
            known.times += 1
        elif len(self._items) < REMEMBERED:
            self._items[level, text] = _Item(at)
        else:
            self._more += 1

    def page(self, matter: str, text: str, at: datetime, *, told: bool = False) -> None:
        """A matter for which somebody is called; told: somebody else has sent the first one."""
        known = self._pages.get(matter)
        if known is None or (known.settled and at - known.since >= self._apart):
            self._pages[matter] = _Page(text, at, sent=int(told))
        else:  # one that comes and goes within a while is one matter
            known.text, known.settled = text, False

    def settle(self, matter: str, text: str) -> None:
        """The matter is over: told in these words to whoever was paged and has not answered."""
        known = self._pages.get(matter)
        if known is None or known.settled:
            return
        known.settled = True
        if known.sent and not known.taken and text:
            self._over.append(text)

    @property
    def pending(self) -> bool:
        """A page will be sent again."""
        return any(page.open for page in self._pages.values())

    def due(self, at: datetime, acknowledged: datetime | None, *, last: bool = False) -> list[Message]:
        """What is to be sent now; acknowledged: when somebody last said that the pages were heard.

        last: nobody will ask again, so that the digest does not wait.
        """
        messages = [Message("critical", "page", page.text) for page in self._paged(at, acknowledged)]
        messages += [Message("warning", "page", f"over: {text}") for text in self._over]
        self._over.clear()
        if self._items and not self.quiet(at):
            first = min(item.at for item in self._items.values())
            if last or at - first >= self._every:
                messages.append(self._digest(first))
        return messages

    def _paged(self, at: datetime, acknowledged: datetime | None) -> list[_Page]:
        found = []
        for page in self._pages.values():
            page.taken = page.taken or (acknowledged is not None and acknowledged >= page.since)
            if not page.open or at < page.since + PAGED_AT[page.sent]:
                continue
            while page.open and at >= page.since + PAGED_AT[page.sent]:
                page.sent += 1
            again = f" (again, {page.sent} of {len(PAGED_AT)}, since {in_words(page.since, '%H:%M')})"
            found.append(_Page(page.text + (again if page.sent > 1 else ""), page.since))
        return found

    def _digest(self, first: datetime) -> Message:
        lines = [
            f"{level}: {text}" + (f" ({item.times} times)" if item.times > 1 else "")
            for (level, text), item in self._items.items()
        ]
        more = self._more + max(len(lines) - SHOWN, 0)
        level = max((level for level, _ in self._items), key=lambda name: LEVELS[name])
        words = [
            f"since {in_words(first, '%H:%M')}:",
            *lines[:SHOWN],
            *([f"and {more} more, in the log"] if more else []),
        ]
        self._items.clear()
        self._more = 0
        return Message(level, "digest", "\n".join(words))

    def quiet(self, at: datetime) -> bool:
        """True in the quiet hours, which may span midnight; pages pass in them."""
        start, end = self._quiet
        if start is None or end is None:
            return False
        now = at.astimezone(self._zone).time()
        return start <= now < end if start <= end else now >= start or now < end


def _time(text: str) -> time | None:
    return time.fromisoformat(text) if text else None
