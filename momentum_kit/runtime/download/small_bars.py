"""Downloads 5 s bars and quotes around headlines: in pieces, each stored with the span that it speaks for."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from momentum_kit.bridge import IBKRBridge
from momentum_kit.models import Bar, Contract
from momentum_kit.runtime.download.asking import Asked, Asker
from momentum_kit.runtime.download.plan import DownloadReport, pieces, uncovered
from momentum_kit.storage.archive import BARS_5S, Archive, Provenance, QuoteBar, Series, Span, joined_spans

# IB allows five in two seconds, as they arrive: the bridge keeps to it as they leave, and the network moves them closer
SPACING_S = 0.5


class SmallBars:
    """Fetches spans of a symbol's day and adds them to what the archive has of it. origin: makes a provenance.

    spacing_s: seconds between two requests for one series.
    """

    def __init__(
        self,
        *,
        bridge: IBKRBridge,
        asker: Asker,
        archive: Archive,
        report: DownloadReport,
        origin: Callable[[str], Provenance],
        spacing_s: float = SPACING_S,
    ) -> None:
        self._bridge = bridge
        self._asker = asker
        self._archive = archive
        self._report = report
        self._origin = origin
        self._spacing_s = spacing_s
        self._asked: dict[tuple[str, str], float] = {}

    def missing(self, symbol: str, kind: str, day: date, spans: Sequence[Span]) -> list[Span]:
        """The requests that are left for these spans."""
        _, origin = self._archive.provenances(kind, symbol).get(day, (0, None))
        if origin and not origin.covered:
            return []  # the whole day is there
        known = origin.covered if origin else ()
        return [piece for span in spans for part in uncovered(span, known) for piece in pieces(part)]

    async def fetch(self, contract: Contract, kind: str, day: date, span: Span) -> None:
        """Ask for one piece and store it; the broker's "none" is stored as a span without rows."""
        wanted = ("TRADES",) if kind == BARS_5S else ("BID", "ASK")
        answers = [await self._ask(contract, what, span) for what in wanted]
        inside = [[bar for bar in each.value or () if span[0] <= bar.start < span[1]] for each in answers]
        rows = [bar for bar in inside[0] if bar.volume > 0] if kind == BARS_5S else quote_bars(*inside)
        words = "history, 5 s" if rows else f"nothing in 5 s: {answers[0].none or 'none in the answer'}"
        self._store(kind, contract.symbol, day, rows, span, words)

    async def _ask(self, contract: Contract, what: str, span: Span) -> Asked[tuple[Bar, ...]]:
        loop, series = asyncio.get_running_loop(), (contract.symbol, what)
        await asyncio.sleep(self._asked.get(series, -math.inf) + self._spacing_s - loop.time())
        self._asked[series] = loop.time()
        seconds = int((span[1] - span[0]).total_seconds())
        return await self._asker.ask(
            lambda: self._bridge.fetch_historical_data(
                contract, span[1], f"{seconds} S", "5 secs", what, use_rth=False
            ),
            f"5 s {what} of {contract.symbol} to {span[1]:%Y-%m-%d %H:%M:%S}",
        )

    def _store(
        self, kind: str, symbol: str, day: date, rows: Sequence[Bar] | Sequence[QuoteBar], span: Span, words: str
    ) -> None:
        count, origin = self._archive.provenances(kind, symbol).get(day, (0, None))
        read = self._archive.bars if kind == BARS_5S else self._archive.quotes
        stored = read(symbol, day, kind) if count else ()
        merged = {row.start: row for row in (*stored, *rows)}
        covered = joined_spans((*(origin.covered if origin else ()), span))
        source = origin if origin and not rows else self._origin(words)
        ordered = [merged[start] for start in sorted(merged)]
        self._archive.extend(
            [Series(kind=kind, symbol=symbol, day=day, rows=ordered, provenance=replace(source, covered=covered))]
        )
        self._report.add(kind, len(rows))
        if not rows:
            self._report.gaps.append(f"{kind} {symbol} {span[0]:%Y-%m-%d %H:%M:%S} to {span[1]:%H:%M:%S}")


def quote_bars(bids: Sequence[Bar], asks: Sequence[Bar]) -> list[QuoteBar]:
    """History's bars of bids and of asks, joined where both are known; history has no sizes."""
    by_start = {ask.start: ask for ask in asks}
    unknown = float("nan")
    return [
        QuoteBar(
            bid.start,
            bid.seconds,
            bid.open,
            bid.high,
            bid.low,
            bid.close,
            unknown,
            ask.open,
            ask.high,
            ask.low,
            ask.close,
            unknown,
        )
        for bid in bids
        if (ask := by_start.get(bid.start)) and bid.low > 0
    ]
