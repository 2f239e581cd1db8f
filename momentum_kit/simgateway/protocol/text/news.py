"""Messages of news: headlines as they come, headlines of the past, bodies."""

from collections.abc import Collection
from datetime import UTC

from momentum_kit.simgateway.events import BulletinEvent, NewsEvent
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.twins import NEWS, protobuf_from
from momentum_kit.simgateway.protocol.wire import epoch_ms, message


@protobuf_from(NEWS)
def news_providers(version: int, providers: Collection[tuple[str, str]]) -> bytes:
    """The feeds this login is entitled to: code and name."""
    return message(version, Reply.NEWS_PROVIDERS, len(providers), *(text for pair in providers for text in pair))


@protobuf_from(NEWS)
def tick_news(version: int, request_id: int, event: NewsEvent) -> bytes:
    """A headline as it comes: metadata in a field of its own, published in milliseconds; UTF-8, never escaped."""
    published = epoch_ms(event.published)  # the one stamp in milliseconds; historicalNews writes text
    return message(
        version,
        Reply.TICK_NEWS,
        request_id,
        published,
        event.provider,
        event.article_id,
        on_one_line(event.text),
        event.extra,
    )


@protobuf_from(NEWS)
def historical_news(version: int, request_id: int, event: NewsEvent) -> bytes:
    """A headline of the past: metadata in braces before the text, time without a zone (it is UTC)."""
    story = (event.provider, event.article_id, past_headline(event))
    return message(version, Reply.HISTORICAL_NEWS, request_id, past_time(event), *story)


@protobuf_from(NEWS)
def historical_news_end(version: int, request_id: int, has_more: bool) -> bytes:
    """No more headlines in this answer; has_more: the limit cut it short."""
    return message(version, Reply.HISTORICAL_NEWS_END, request_id, has_more)


@protobuf_from(NEWS)
def news_article(version: int, request_id: int, kind: int, text: str) -> bytes:
    """A body: kind 0 is text or HTML, 1 is base64."""
    return message(version, Reply.NEWS_ARTICLE, request_id, kind, text)


@protobuf_from(NEWS)
def news_bulletin(version: int, bulletin: BulletinEvent) -> bytes:
    """A word to all."""
    words = (bulletin.id, bulletin.kind, bulletin.text, bulletin.exchange)
    return message(version, Reply.NEWS_BULLETIN, 1, *words)


def past_time(event: NewsEvent) -> str:
    """When it was published, UTC without saying so."""
    at = event.published.astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 100_000}"


def past_headline(event: NewsEvent) -> str:
    """Metadata in braces, then the text."""
    return on_one_line(f"{{{event.extra}}}{event.text}" if event.extra else event.text)


def on_one_line(text: str) -> str:
    """A headline without line breaks."""
    return " ".join(text.splitlines())
