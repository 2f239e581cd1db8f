"""TapeWatch: are the tapes heard? Asks IB's record of busy names, and fetches what was missed, which never trades.

Every few minutes the newest articles of some busy names are compared with what was heard live. Those that were on
record before anybody listened say nothing; those that are new there and stay unheard were missed, and a tape of which
nothing was heard is silent, whatever else is said. Where nobody listened, the names that matter are asked for; what was
told of all others is unknown, and that is said.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from momentum_kit.errors import BrokerError
from momentum_kit.models import Beat, Contract, Headline, HeadlinePhase, MetaRow, TapeView
from momentum_kit.ports import NewsFeed
from momentum_kit.services.consuming import consume
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import ContractBook
from momentum_kit.services.news.tape_record import TapeRecord

log = structlog.get_logger("tapes")

NEWEST = 50  # articles of one name, at most 300
SHOWN = 80  # characters of a headline
GAP = timedelta(seconds=5)  # a shorter one is none


class TapeWatch:
    """tapes(): providers whose broad tape is subscribed. listening(): whether the gateway could tell anything now.

    watched(): contracts that matter besides the witnesses. note(headline): writes down what was missed.
    """

    def __init__(
        self,
        context: SessionContext,
        *,
        feed: NewsFeed,
        book: ContractBook,
        witnesses: Sequence[str],
        every_s: float,
        record: TapeRecord,
        beats: "asyncio.Queue[Beat]",
        tapes: Callable[[], tuple[str, ...]],
        listening: Callable[[], bool],
        watched: Callable[[], Sequence[Contract]],
        note: Callable[[Headline], None],
    ) -> None:
        self._context = context
        self._feed = feed
        self._book = book
        self._witnesses = witnesses
        self._every = timedelta(seconds=every_s)
        self._record = record
        self._beats = beats
        self._tapes = tapes
        self._listening = listening
        self._watched = watched
        self._note = note
        self._asked_at: datetime | None = None
        self._away_since: datetime | None = record.listened_until
        self._asking: asyncio.Task[None] | None = None
        self._newest: dict[int, datetime] = {}  # by con_id, of what was on record before: an older one is not new

    def heard(self, headline: Headline) -> None:
        """A headline as it was told."""
        if headline.phase is HeadlinePhase.LIVE:
            self._record.hear(headline, headline.received_at or self._context.clock.now())

    @property
    def views(self) -> tuple[TapeView, ...]:
        """Each subscribed tape."""
        return self._record.views(self._tapes())

    async def run(self) -> None:
        """Look at every beat until cancelled; with no name to ask for nothing is known, and nothing is asked."""
        async with asyncio.TaskGroup() as group:
            await consume(self._beats, partial(self._on_beat, group))

    async def _on_beat(self, group: asyncio.TaskGroup, beat: Beat) -> None:
        now = beat.now
        if not self._tapes() or not self._witnesses:
            return
        if not self._listening():
            self._away_since = self._away_since or self._record.listened_until or now
            return
        if self._asking is not None and not self._asking.done():
            return
        if self._away_since is not None and now - self._away_since >= GAP:
            self._asking = group.create_task(self._fill(self._away_since, now), name="tape gap")
        elif self._asked_at is None:
            self._asking = group.create_task(self._begin(), name="tapes at the start")
        elif now - self._asked_at >= self._every:
            self._asking = group.create_task(self._check(now), name="tapes")
        else:
            self._record.listened_until, self._away_since = now, None
            return
        self._record.listened_until, self._away_since, self._asked_at = now, None, now
        await asyncio.sleep(0)

    async def _begin(self) -> None:
        """What is on record already says nothing."""
        for contract in await self._named():
            self._know(contract, await self._on_record(contract))

    async def _check(self, now: datetime) -> None:
        rows = []
        for contract in await self._named():
            newest = self._newest.get(contract.con_id, datetime.min.replace(tzinfo=UTC))
            rows += [row for row in await self._on_record(contract) if row.published_at > newest]
        missed = self._record.judge(rows, now)
        self._write_down(now)
        for provider in sorted({row.provider for row in missed}):
            own = [row for row in missed if row.provider == provider]
            self._context.counts[f"headlines missed of {provider}"] += len(own)
            (view,) = self._record.views((provider,))
            self._tell(
                f"{provider}: {len(own)} articles of busy names are on IB's record and were not heard, such as "
                f"{own[0].text[:SHOWN]!r}; heard {view.heard} of {view.heard + view.missed} since the start"
            )
        self._take(missed, now)

    async def _fill(self, since: datetime, now: datetime) -> None:
        """Nobody listened: ask for the names that matter, and say that nothing is known of the others."""
        contracts = {contract.con_id: contract for contract in (*await self._named(), *self._watched())}
        found: dict[tuple[str, str], Headline] = {}
        for contract in contracts.values():
            for row in self._know(contract, await self._on_record(contract)):
                if row.published_at - self._record.shift >= since - GAP:
                    found.setdefault((row.provider, row.article_id), replace(row, contract=contract))
        self._take(list(found.values()), now)
        self._tell(
            f"nobody listened from {since:%H:%M:%S} to {now:%H:%M:%S} UTC: {len(found)} headlines of {len(contracts)} "
            "symbols were fetched and none of them trades; what was told of all others is unknown (tape gap unknown)"
        )

    def _know(self, contract: Contract, rows: Sequence[Headline]) -> list[Headline]:
        if rows:
            self._newest[contract.con_id] = max(row.published_at for row in rows)
        return self._record.know(rows)

    async def _named(self) -> list[Contract]:
        found = [(await self._book.look_up(symbol)).contract for symbol in self._witnesses]
        return [contract for contract in found if contract is not None]

    async def _on_record(self, contract: Contract) -> tuple[Headline, ...]:
        """The newest articles of a company; none where IB does not say."""
        try:
            return await self._feed.fetch_historical_news(contract.con_id, self._tapes(), None, None, NEWEST)
        except BrokerError as error:
            log.warning("no record of news", contract=str(contract), error=str(error))
            return ()

    def _take(self, missed: Sequence[Headline], now: datetime) -> None:
        for row in sorted(missed, key=lambda row: row.published_at):
            self._note(replace(row, phase=HeadlinePhase.BACKFILL, received_at=now))

    def _write_down(self, now: datetime) -> None:
        for (provider, hour), count in self._record.hours.items():
            if now - hour <= timedelta(hours=1):
                self._context.journal.write(MetaRow(key=f"tape {provider} {hour:%Y-%m-%dT%HZ}", value=str(count)))

    def _tell(self, text: str) -> None:
        self._context.incident("news tape", text)
        self._context.alerts.send("warning", f"news tape: {text}")
