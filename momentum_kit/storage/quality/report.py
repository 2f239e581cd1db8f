"""The quality report of an archive: each series against the calendar, against itself and against its quotes."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np

from momentum_kit.errors import ArchiveError
from momentum_kit.models import Headline
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES, QUOTES_5S, SECONDS, Archive, Columns
from momentum_kit.storage.quality.bars import DayIndex, by_day, check_bars, check_days, check_hours, index_days
from momentum_kit.storage.quality.findings import ERROR, NOTE, WARNING, QualityFinding, QualityReport, worst_first
from momentum_kit.storage.quality.stamps import LEAST_HEADLINES, NOBODY_TRADES, SAME, Stamps, nobody_trades_at

WIDE = 0.10  # median spread over mid above which quotes cannot be traded on, or are broken
DISAGREE = 0.10  # trades this far outside the minute's quotes...
DISAGREE_SHARE = 0.2  # ...in so many of a day's minutes: one of the two series is adjusted
SLOW_S = 3600.0
ROUNDED_S = 5  # a step of a feed's clock from which it is worth telling


def examine(archive: Archive, symbols: Sequence[str] = ()) -> QualityReport:
    """Look at every series (of these symbols). Raises ArchiveError for files that cannot be read."""
    chosen = set(symbols)
    rows = dict.fromkeys(SECONDS, 0)
    seen: set[str] = set()
    days: set[date] = set()
    raw: list[str] = []
    adjusted: list[str] = []
    findings: list[QualityFinding] = []
    for kind in SECONDS:
        for symbol in sorted(chosen & set(archive.symbols(kind=kind)) if chosen else archive.symbols(kind=kind)):
            recorded = archive.provenances(kind, symbol)
            filled = [day for day, (count, _) in recorded.items() if count]
            seen.add(symbol)
            days.update(filled)
            series = f"{kind} {symbol}"
            (adjusted if any(origin.adjusted for _, origin in recorded.values()) else raw).append(series)
            findings += check_days(kind, symbol, recorded)
            if filled:
                columns = archive.columns(kind, symbol, filled[0], filled[-1])
                rows[kind] += len(columns["start"])
                findings += _check(archive, index_days(kind, symbol, columns["start"], filled), columns)
    unknown = chosen - seen
    if unknown:
        raise ArchiveError(f"{archive.root}: nothing of {', '.join(sorted(unknown))}")
    findings += _one_basis(raw, adjusted)
    headlines = archive.headlines(date(1990, 1, 1), date(2200, 1, 1))
    if not chosen:
        findings += _check_headlines(archive, headlines)
        rows["headlines"] = len(headlines)
    reach = tuple(map(str, sorted(days)))
    return QualityReport(
        archive=str(archive.root),
        rows=rows,
        symbols=len(seen),
        days=reach,
        raw=tuple(raw),
        adjusted=tuple(adjusted),
        findings=worst_first(findings),
    )


def _check(archive: Archive, index: DayIndex, columns: Columns) -> Iterator[QualityFinding]:
    if index.kind in (BARS, BARS_5S):
        yield from check_bars(index, columns)
    else:
        yield from _check_quotes(index, columns)
        yield from _against_trades(archive, index, columns)


def _check_quotes(index: DayIndex, columns: Columns) -> Iterator[QualityFinding]:
    bid, ask = columns["bid_close"], columns["ask_close"]
    crossed = (bid > ask) | (columns["bid_open"] > columns["ask_open"])
    share = f"bid above ask, {crossed.mean():.1%} of all of {index.symbol}'s quotes"
    yield from by_day(index, crossed, ERROR, "crossed quotes", share)
    yield from by_day(index, (bid <= 0) | (ask <= 0), ERROR, "bad prices", "a bid or ask that is not above zero")
    yield from by_day(index, np.isnan(bid) | np.isnan(ask), NOTE, "one-sided quotes", "only bid or ask is known")
    yield from by_day(index, (bid == ask) & index.regular, NOTE, "locked quotes", "bid equal to ask")
    if SECONDS[index.kind] == 60:
        yield from check_hours(index, np.ones(len(bid)))
    regular = index.regular & (bid > 0) & (ask > 0)
    if regular.any():
        spread = float(np.median((ask[regular] - bid[regular]) / ((ask[regular] + bid[regular]) / 2)))
        if spread > WIDE:
            yield index.found(WARNING, "wide quotes", None, int(regular.sum()), f"median spread {spread:.0%} of mid")


def _against_trades(archive: Archive, index: DayIndex, columns: Columns) -> Iterator[QualityFinding]:
    """Trades far outside the quotes of the same interval: one of the two is adjusted, or of another instrument."""
    kind = {QUOTES: BARS, QUOTES_5S: BARS_5S}[index.kind]
    try:
        trades = archive.columns(kind, index.symbol, index.days[0], index.days[-1], ["close"])
    except ArchiveError:
        return  # no trades in these days: nothing to compare with
    _, mine, theirs = np.intersect1d(columns["start"], trades["start"], assume_unique=True, return_indices=True)
    low, high = columns["bid_low"][mine] * (1 - DISAGREE), columns["ask_high"][mine] * (1 + DISAGREE)
    outside = (trades["close"][theirs] < low) | (trades["close"][theirs] > high)
    for day, name in enumerate(index.days):
        of_day = index.of_row[mine] == day
        count = int(outside[of_day].sum())
        if count > DISAGREE_SHARE * max(int(of_day.sum()), 1):
            words = f"{count} of {int(of_day.sum())} trades lie more than {DISAGREE:.0%} outside their quotes"
            detail = f"{words}; is one of them adjusted?"
            yield QualityFinding(
                severity=ERROR,
                check="trades and quotes disagree",
                kind=index.kind,
                symbol=index.symbol,
                day=str(name),
                count=count,
                detail=detail,
            )


def _one_basis(raw: Sequence[str], adjusted: Sequence[str]) -> Iterator[QualityFinding]:
    """A symbol whose kinds are partly raw and partly adjusted must not be read together."""
    mixed = {series.partition(" ")[2] for series in raw} & {series.partition(" ")[2] for series in adjusted}
    for symbol in sorted(mixed):
        kinds = [series.partition(" ")[0] for series in adjusted if series.partition(" ")[2] == symbol]
        words = f"{', '.join(kinds)} adjusted, the others raw: never compare their prices"
        yield QualityFinding(
            severity=WARNING, check="raw and adjusted", kind="", symbol=symbol, day="", count=len(kinds), detail=words
        )


def _check_headlines(archive: Archive, headlines: Sequence[Headline]) -> Iterator[QualityFinding]:
    if not headlines:
        return
    unheard = sum(line.received_at is None for line in headlines)
    if unheard:
        words = f"{unheard} of {len(headlines)} have no received_at: a study imputes it and is marked IMPUTED"
        yield QualityFinding(
            severity=NOTE, check="not recorded", kind="headlines", symbol="", day="", count=unheard, detail=words
        )
    heard = [(line, line.received_at) for line in headlines if line.received_at is not None]
    early = [line for line, at in heard if at < line.published_at]
    if early:
        words = f"{len(early)} received before they were published, first {early[0].provider} {early[0].article_id}"
        yield QualityFinding(
            severity=ERROR, check="time zone", kind="headlines", symbol="", day="", count=len(early), detail=words
        )
    late = [line for line, at in heard if at - line.published_at > timedelta(seconds=SLOW_S)]
    if late:
        words = f"{len(late)} received over an hour after publication: replayed, or in another zone"
        yield QualityFinding(
            severity=WARNING, check="late headlines", kind="headlines", symbol="", day="", count=len(late), detail=words
        )
    untied = sum(line.contract is None for line in headlines)
    if untied:
        words = f"{untied} of {len(headlines)} are tied to no contract: text alone must match them"
        yield QualityFinding(
            severity=NOTE, check="no contract", kind="headlines", symbol="", day="", count=untied, detail=words
        )
    yield from _stamps(headlines)
    yield from _survivorship(archive, headlines)


def _stamps(headlines: Sequence[Headline]) -> Iterator[QualityFinding]:
    """Times that tell nothing of when a headline could be read: a study adds what they may hide and is marked."""

    def found(check: str, count: int, words: str) -> QualityFinding:
        return QualityFinding(
            severity=WARNING, check=check, kind="headlines", symbol="", day="", count=count, detail=words
        )

    stamps = Stamps.of(headlines)
    for provider, habits in stamps.habits.items():
        if not provider:
            continue
        who, added = f"{provider}: ", "; a study takes them for guesses, adds what may be hidden, and is marked IMPUTED"
        if habits.received and habits.zero > SAME:
            words = f"{who}{habits.zero:.0%} of {habits.received} received at the instant of publication{added}"
            yield found("delay zero", round(habits.zero * habits.received), words)
        elif habits.one_delay_ms is not None:
            words = f"{who}most of {habits.received} received {habits.one_delay_ms / 1e3:g} s after publication{added}"
            yield found("one delay", habits.received, words)
        if habits.received_grain_s:
            words = f"{who}receptions in steps of {habits.received_grain_s} s{added}"
            yield found("rounded receptions", habits.received, words)
        if habits.published_grain_s >= ROUNDED_S:
            words = f"{who}stamps in steps of {habits.published_grain_s} s; so much is added to what is imputed"
            yield found("rounded stamps", habits.headlines, words)
    beyond = sum(nobody_trades_at(line.published_at) for line in headlines)
    if len(headlines) >= LEAST_HEADLINES and beyond > NOBODY_TRADES * len(headlines):
        words = f"{beyond} of {len(headlines)} were published when nobody trades: dates alone, or another time zone?"
        yield found("beyond the session", beyond, words)


def _survivorship(archive: Archive, headlines: Sequence[Headline]) -> Iterator[QualityFinding]:
    """Headlines of contracts that the symbol master of their day does not have, or for which there are no bars."""
    tied = {line.contract.symbol for line in headlines if line.contract}
    bars = set(archive.symbols())
    without = sorted(tied - bars)
    if without:
        words = f"{len(without)} of {len(tied)} symbols with headlines have no bars: {', '.join(without[:8])}"
        yield QualityFinding(
            severity=WARNING,
            check="survivorship",
            kind="headlines",
            symbol="",
            day="",
            count=len(without),
            detail=words,
        )
    master = archive.symbol_master(headlines[-1].published_at.date())
    if master is None:
        words = "no symbol master: what was delisted since cannot be told"
        yield QualityFinding(
            severity=NOTE, check="survivorship", kind="symbols", symbol="", day="", count=1, detail=words
        )
