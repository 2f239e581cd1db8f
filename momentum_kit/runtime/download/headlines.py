"""Downloads headlines of the past page by page, and gathers them to batches on the way to the archive."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from momentum_kit.bridge import IBKRBridge
from momentum_kit.models import Headline
from momentum_kit.runtime.download.asking import Asker
from momentum_kit.runtime.download.plan import DownloadReport
from momentum_kit.storage.archive import HEADLINES, Archive, Listing, Provenance, Span

PAGE = 300  # headlines IB sends at most for one request, the newest first
FLUSH_S = 5.0  # headlines are stored in batches, for each writes a month's file
SECOND = timedelta(seconds=1)


class HeadlineBatch:
    """Headlines and the times they were asked for, stored every FLUSH_S and at the end."""

    def __init__(self, archive: Archive, origin: Provenance, report: DownloadReport) -> None:
        self.report = report
        self._archive, self._origin = archive, origin
        self._lines: list[Headline] = []
        self._covered: dict[tuple[int, str], tuple[Span, ...]] = {}
        self._flushed = asyncio.get_running_loop().time()

    def add(self, listing: Listing, provider: str, lines: Sequence[Headline], span: Span) -> None:
        """One page: its headlines belong to the contract that was asked about."""
        self._lines += [replace(line, contract=listing.contract) for line in lines]
        key = (listing.con_id, provider)
        self._covered[key] = (*self._covered.get(key, ()), span)
        if asyncio.get_running_loop().time() - self._flushed > FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Store what was gathered."""
        if self._covered:
            self.report.add(HEADLINES, self._archive.add_headlines(self._lines, self._origin, self._covered))
        self._lines, self._covered = [], {}
        self._flushed = asyncio.get_running_loop().time()


async def fetch_headlines(
    bridge: IBKRBridge, asker: Asker, batch: HeadlineBatch, listing: Listing, provider: str, span: Span
) -> None:
    """All headlines of one contract and provider in a span; each page counts as soon as it is in the batch."""
    start, end = span
    while True:
        lines = await _page(bridge, asker, listing, provider, (start, end))
        oldest = min((_next_second(line.published_at) for line in lines), default=start)
        if len(lines) < PAGE or oldest <= start:
            batch.add(listing, provider, lines, (start, end))
            return
        if oldest >= end:  # a page within one second: IB gives no way to the rest of it
            batch.report.gaps.append(f"{HEADLINES} {provider} {listing.symbol} {end}: over {PAGE} in a second")
            oldest = end - SECOND
        batch.add(listing, provider, lines, (oldest, end))
        end = oldest


async def _page(bridge: IBKRBridge, asker: Asker, listing: Listing, provider: str, span: Span) -> tuple[Headline, ...]:
    # IB leaves the start out and takes the end in, both in whole seconds
    answer = await asker.ask(
        lambda: bridge.fetch_historical_news(listing.con_id, [provider], span[0] - SECOND, span[1], PAGE),
        f"{provider} headlines of {listing.symbol} before {span[1]:%Y-%m-%d %H:%M:%S}",
    )
    return answer.value or ()


def _next_second(at: datetime) -> datetime:
    return at if not at.microsecond else at.replace(microsecond=0) + SECOND
