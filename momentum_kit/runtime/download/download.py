"""Runs `momentum-kit data download`: symbol master, minutes, headlines, then 5 s bars and quotes around headlines.

Every answer is stored before the next is counted as done, and what is left to ask is derived from the archive alone:
killed at any point, the same command goes on where it was. A broker that has nothing is recorded as a gap.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import Config
from momentum_kit.errors import GuardRefused, RequestFailed
from momentum_kit.models import Bar, Contract
from momentum_kit.runtime.download.asking import PATIENCE_S, Asked, Asker, TimeLeft
from momentum_kit.runtime.download.headlines import HeadlineBatch, fetch_headlines
from momentum_kit.runtime.download.plan import (
    DownloadReport,
    DownloadRequest,
    midnight,
    trading_days,
    uncovered,
    weeks,
    windows,
)
from momentum_kit.runtime.download.small_bars import SPACING_S, SmallBars
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES_5S, SYMBOLS, Archive, Listing, Provenance, Series, Span

AT_ONCE = 6  # requests on their way; IB allows 50, and throttles softly long before
JOB_FLOOR_S, JOBS_FREE = 15.0, 40  # 60 requests in 10 minutes, and three for a pair of jobs: trades; bids and asks
CLIENT_ID_ABOVE = 1  # beside the trading client, whose id must stay its own
DAY_OVER = timedelta(hours=20)  # New York: after-hours trading ends

Job = Callable[[], Awaitable[None]]


Progress = Callable[[str, int, int, float], None]
"""Told after every answer: the stage, how many are done, of how many, and the seconds left (nan where unknown)."""


class Download:
    """One run of a download. Raises BrokerError when the gateway stays away; what was stored stays.

    patience_s: how long one request is tried. spacing_s: between two requests for the same small bars.
    """

    def __init__(
        self,
        *,
        bridge: IBKRBridge,
        archive: Archive,
        wanted: DownloadRequest,
        progress: Progress,
        patience_s: float = PATIENCE_S,
        spacing_s: float = SPACING_S,
    ) -> None:
        self._bridge = bridge
        self._archive = archive
        self._wanted = wanted
        self._progress = progress
        self._spacing_s = spacing_s
        self._asker = Asker(bridge, patience_s)
        self._report = DownloadReport()
        self._listings: dict[str, Listing] = {}
        self._now = midnight(wanted.first_day)

    async def run(self) -> DownloadReport:
        """Everything that is wanted and not in the archive yet."""
        clock: Asked[datetime] = await self._asker.ask(self._bridge.fetch_current_time, "the gateway's time")
        assert clock.value is not None
        self._now = clock.value  # the gateway's: a simulated market lives on another day
        await self._master()
        await self._all("minutes", self._minute_jobs())
        await self._headlines()
        if self._wanted.small_bars:
            jobs = self._small_jobs()
            await self._all("5 s bars and quotes", jobs, at_once=1, floor_s=JOB_FLOOR_S, free=JOBS_FREE)
        self._report.requests = self._asker.requests
        return self._report

    # -- symbol master ------------------------------------------------------------------------------------------------

    async def _master(self) -> None:
        today = exchange_day(self._now)
        known = self._archive.symbol_master(today)
        if known and known.day == today:
            self._listings = {each.symbol: each for each in known.listings if each.symbol in self._wanted.symbols}
        missing = [symbol for symbol in self._wanted.symbols if symbol not in self._listings]
        await self._all("contracts", [self._listing_job(symbol) for symbol in missing])
        fresh = [self._listings[symbol] for symbol in missing if symbol in self._listings]
        if fresh:
            self._archive.add_symbol_master(today, fresh, self._origin("contract details"))
            self._report.add(SYMBOLS, len(fresh))

    def _listing_job(self, symbol: str) -> Job:
        async def ask() -> None:
            request = Contract(symbol)
            found = await self._asker.ask(lambda: self._bridge.fetch_contract_details(request), f"contract {symbol}")
            if not found.value:
                self._report.unknown.append(symbol)
                return
            one = found.value[0]
            self._listings[symbol] = Listing(
                symbol=symbol, con_id=one.contract.con_id, name=one.long_name,
                primary_exchange=one.contract.primary_exchange, currency=one.contract.currency,
                sec_type=one.contract.sec_type, stock_type=one.stock_type,
                industry=one.industry, category=one.category, subcategory=one.subcategory,
            )  # fmt: skip

        return ask

    # -- minutes ------------------------------------------------------------------------------------------------------

    def _minute_jobs(self) -> list[Job]:
        jobs = []
        days = [day for day in trading_days(self._wanted.first_day, self._wanted.last_day) if midnight(day) < self._now]
        for symbol in sorted(self._listings):
            recorded = self._archive.provenances(BARS, symbol)
            known = {day for day, (_, origin) in recorded.items() if not origin.covered}
            jobs += [self._minute_job(self._listings[symbol], week) for week in weeks(set(days) - known)]
        return jobs

    def _minute_job(self, listing: Listing, days: Sequence[date]) -> Job:
        end = midnight(days[-1] + timedelta(days=1))

        async def ask() -> None:
            until = None if end > self._now else end
            answer = await self._asker.ask(
                lambda: self._bridge.fetch_historical_data(
                    listing.contract, until, f"{len(days)} D", "1 min", "TRADES", use_rth=False
                ),
                f"minutes of {listing.symbol} to {days[-1]}",
            )
            rows: dict[date, list[Bar]] = {day: [] for day in days}
            for bar in answer.value or ():
                if exchange_day(bar.start) in rows and bar.volume > 0 and bar.end <= self._now:
                    rows[exchange_day(bar.start)].append(bar)
            self._archive.extend(self._minute_series(listing.symbol, day, some, answer) for day, some in rows.items())

        return ask

    def _minute_series(self, symbol: str, day: date, rows: list[Bar], answer: Asked[tuple[Bar, ...]]) -> Series:
        running = self._now < midnight(day) + DAY_OVER
        words = "history, 1 min" if rows else f"no bars: {answer.none or 'none in the answer'}"
        origin = self._origin(words, ((midnight(day), self._now),) if running else ())
        self._report.add(BARS, len(rows))
        if not rows:
            self._report.gaps.append(f"{BARS} {symbol} {day}")
        return Series(kind=BARS, symbol=symbol, day=day, rows=rows, provenance=origin)

    # -- headlines ----------------------------------------------------------------------------------------------------

    async def _headlines(self) -> None:
        providers = self._wanted.providers
        if not providers:
            entitled = await self._asker.ask(self._bridge.fetch_news_providers, "news providers")
            providers = tuple(sorted(each.code for each in entitled.value or ()))
        first, last = self._wanted.first_day, self._wanted.last_day
        span = midnight(first), min(midnight(last + timedelta(days=1)), self._now)
        coverage = self._archive.headline_coverage(first, last)
        batch = HeadlineBatch(self._archive, self._origin("historical news"), self._report)
        jobs = [
            partial(fetch_headlines, self._bridge, self._asker, batch, listing, provider, part)
            for _, listing in sorted(self._listings.items())
            for provider in providers
            for part in uncovered(span, coverage.get((listing.con_id, provider), ()))
        ]
        try:
            await self._all("headlines", jobs)
        finally:
            batch.flush()

    # -- 5 s bars and quotes ------------------------------------------------------------------------------------------

    def _small_jobs(self) -> list[Job]:
        headlines = self._archive.headlines(self._wanted.first_day, self._wanted.last_day)
        store = SmallBars(
            bridge=self._bridge,
            asker=self._asker,
            archive=self._archive,
            report=self._report,
            origin=self._origin,
            spacing_s=self._spacing_s,
        )
        jobs: list[Job] = []
        for (symbol, day), spans in windows(headlines, self._wanted, self._now).items():
            for kind in (BARS_5S, QUOTES_5S) if symbol in self._listings else ():
                contract = self._listings[symbol].contract
                jobs += [
                    partial(store.fetch, contract, kind, day, piece)
                    for piece in store.missing(symbol, kind, day, spans)
                ]
        return jobs

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _all(
        self, stage: str, jobs: Sequence[Job], at_once: int = AT_ONCE, floor_s: float = 0.0, free: int = 0
    ) -> None:
        """Do every job, some at once; one that the broker refuses is noted and left to the next run."""
        waiting, done, left = deque(jobs), 0, TimeLeft(len(jobs), floor_s=floor_s, free=free)

        async def work() -> None:
            nonlocal done
            while waiting:
                try:
                    await waiting.popleft()()
                except RequestFailed as error:
                    self._report.failed.append(f"{stage}: {error}")
                done += 1
                self._progress(stage, done, len(jobs), left.after(done))

        workers = [asyncio.create_task(work(), name=f"{stage} {number}") for number in range(min(at_once, len(jobs)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def _origin(self, words: str, covered: tuple[Span, ...] = ()) -> Provenance:
        # IB's history is adjusted for splits as of the day on which it is asked
        return Provenance(
            source=f"gateway, {words}, asked {self._now:%Y-%m-%d}",
            sha256="",
            imported_at=self._now,
            adjusted=True,
            covered=covered,
        )


async def run_download(config: Config, wanted: DownloadRequest, archive: Path, client_id: int | None) -> DownloadReport:
    """Connect to the configured gateway and download. Raises GuardRefused while a session trades on its account.

    IB counts history requests over all clients of a login: a download would take a session's share of them.
    """
    if StateFolder.of(config).address() is not None:
        raise GuardRefused(f"a session runs for {config.owner_key}: a download would use up its history requests")
    broker = config.broker
    real_time = config.clock.kind == "wall"  # a faster market asks faster than IB's limits allow
    bridge = IBKRBridge(
        broker.host,
        broker.port,
        broker.client_id + CLIENT_ID_ABOVE if client_id is None else client_id,
        connect_timeout_s=broker.connect_timeout_s,
        request_timeout_s=broker.request_timeout_s,
        messages_per_s=broker.messages_per_s if real_time else math.inf,
        orders=False,
        small_bar_pacing=real_time,
    )
    with _progress(Console(stderr=True)) as progress:
        await bridge.connect()
        try:
            spacing_s = SPACING_S if real_time else 0.0
            return await Download(
                bridge=bridge, archive=Archive(archive), wanted=wanted, progress=progress, spacing_s=spacing_s
            ).run()
        finally:
            await bridge.disconnect()


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    """Yields what to call after every answer: progress and the time left on a terminal, nothing in a pipe."""
    if not console.is_terminal:
        yield lambda *_: None
        return
    with console.status("connecting ...") as line:

        def show(stage: str, done: int, total: int, left_s: float) -> None:
            left = "" if math.isnan(left_s) else f", {timedelta(seconds=round(left_s))} left"
            line.update(f"{stage}: [bold]{done:,}[/] of {total:,}{left}")

        yield show
