"""Messages of news: headlines as they come, headlines of the past, bodies, bulletins."""

from collections.abc import Collection
from datetime import UTC

from momentum_kit.simgateway.events import NewsEvent
from momentum_kit.simgateway.messages import Reply
from momentum_kit.simgateway.wire import epoch_ms, frame


def news_providers(providers: Collection[tuple[str, str]]) -> bytes:
    """The feeds this login is entitled to: code and name."""
    return frame(Reply.NEWS_PROVIDERS, len(providers), *(text for pair in providers for text in pair))


def tick_news(request_id: int, event: NewsEvent) -> bytes:
    """A headline as it comes: metadata in a field of its own, published in milliseconds; UTF-8, never escaped."""
    published = epoch_ms(event.published)
    return frame(
        Reply.TICK_NEWS, request_id, published, event.provider, event.article_id, _line(event.text), event.extra
    )


def historical_news(request_id: int, event: NewsEvent) -> bytes:
    """A headline of the past: metadata in braces before the text, time without a zone (it is UTC)."""
    at = event.published.astimezone(UTC)
    time = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 100_000}"
    text = f"{{{event.extra}}}{event.text}" if event.extra else event.text
    return frame(Reply.HISTORICAL_NEWS, request_id, time, event.provider, event.article_id, _line(text))


def historical_news_end(request_id: int, has_more: bool) -> bytes:
    """No more headlines in this answer; has_more: the limit cut it short."""
    return frame(Reply.HISTORICAL_NEWS_END, request_id, has_more)


def news_article(request_id: int, kind: int, text: str) -> bytes:
    """A body: kind 0 is text or HTML, 1 is base64."""
    return frame(Reply.NEWS_ARTICLE, request_id, kind, text)


def _line(text: str) -> str:
    return " ".join(text.splitlines())
