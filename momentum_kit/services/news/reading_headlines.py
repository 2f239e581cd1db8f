"""From a headline to what the journal and the detection engine get of it; the news handler's pen."""

import time
from dataclasses import dataclass

from momentum_kit.detection.news import (
    CatalystMatch,
    CleanHeadline,
    Mention,
    SymbolMaster,
    classify,
    clean_headline,
    distinctive_words,
    extract_tickers,
)
from momentum_kit.models import Contract, Headline, HeadlineRow, ItemRow, NewsItem
from momentum_kit.ports import Clock, Journal


@dataclass(frozen=True, slots=True)
class ParsedHeadline:
    """A headline read by the rules, before anybody was asked about its tickers; parse_ms in wall time."""

    headline: Headline
    clean: CleanHeadline
    mentions: tuple[Mention, ...]
    match: CatalystMatch
    parse_ms: float


def parse_headline(headline: Headline, master: SymbolMaster | None) -> ParsedHeadline:
    """Clean, find tickers, classify for the first of them."""
    started = time.perf_counter()
    clean = clean_headline(headline.text, headline.extra, headline.article_id)
    mentions = extract_tickers(clean.text, headline.contract.symbol if headline.contract else "", master)
    match = classify(clean.text, tuple(m.symbol for m in mentions[:1]), analyst_action=clean.analyst_action)
    return ParsedHeadline(headline, clean, mentions, match, (time.perf_counter() - started) * 1e3)


def make_item(parsed: ParsedHeadline, contract: Contract, long_name: str, resolve_ms: float) -> NewsItem:
    """The news item of one contract; who buys and who is bought is told by its company's name."""
    clean = parsed.clean
    names = distinctive_words(long_name)[:1]
    match = classify(clean.text, (contract.symbol, *names), analyst_action=clean.analyst_action)
    return NewsItem(
        item_id=f"{clean.story_id}:{contract.con_id}",
        story_id=clean.story_id,
        headline=parsed.headline,
        contract=contract,
        text=clean.text,
        catalyst=match.catalyst,
        catalyst_rule=match.rule,
        sentiment=clean.sentiment,
        confidence=clean.confidence,
        analyst_action=clean.analyst_action,
        n_tickers=len(parsed.mentions),
        stage_ms={"parse": parsed.parse_ms, "resolve": resolve_ms},
    )


def write_headline(journal: Journal, clock: Clock, parsed: ParsedHeadline, reason: str, resolve_ms: float) -> None:
    """One row a headline, whatever became of it; an empty reason means that it became an item."""
    headline, clean = parsed.headline, parsed.clean
    journal.write(
        HeadlineRow(
            at=clock.now(),
            story_id=clean.story_id,
            provider=headline.provider,
            article_id=headline.article_id,
            text=clean.text,
            published_at=headline.published_at,
            received_at=headline.received_at,
            phase=headline.phase,
            outcome="skip" if reason else "item",
            reason=reason,
            symbols=[mention.symbol for mention in parsed.mentions],
            n_tickers=len(parsed.mentions),
            catalyst=parsed.match.catalyst,
            catalyst_rule=parsed.match.rule,
            parse_ms=parsed.parse_ms,
            resolve_ms=resolve_ms,
        )
    )


def write_item(journal: Journal, clock: Clock, item: NewsItem) -> None:
    """One row a news item, with its second reading if there is one."""
    journal.write(
        ItemRow(
            at=clock.now(),
            item_id=item.item_id,
            story_id=item.story_id,
            symbol=item.contract.symbol,
            con_id=item.contract.con_id,
            catalyst=item.catalyst,
            sentiment=item.sentiment,
            confidence=item.confidence,
            reading=item.reading,
        )
    )
