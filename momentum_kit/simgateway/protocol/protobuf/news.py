"""Messages of news in protobuf: the twin of text/news.py."""

from collections.abc import Collection

from ibapi.protobuf.HistoricalNews_pb2 import HistoricalNews
from ibapi.protobuf.HistoricalNewsEnd_pb2 import HistoricalNewsEnd
from ibapi.protobuf.NewsArticle_pb2 import NewsArticle
from ibapi.protobuf.NewsBulletin_pb2 import NewsBulletin
from ibapi.protobuf.NewsProvider_pb2 import NewsProvider
from ibapi.protobuf.NewsProviders_pb2 import NewsProviders
from ibapi.protobuf.TickNews_pb2 import TickNews

from momentum_kit.simgateway.events import BulletinEvent, NewsEvent
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.protobuf.session import protobuf_frame
from momentum_kit.simgateway.protocol.text import on_one_line, past_headline, past_time
from momentum_kit.simgateway.protocol.wire import epoch_ms


def news_providers(_: int, providers: Collection[tuple[str, str]]) -> bytes:
    """The feeds this login is entitled to: code and name."""
    listed = [NewsProvider(providerCode=code, providerName=name) for code, name in providers]
    return protobuf_frame(Reply.NEWS_PROVIDERS, NewsProviders(newsProviders=listed))


def tick_news(_: int, request_id: int, event: NewsEvent) -> bytes:
    """A headline as it comes: metadata in a field of its own, published in milliseconds."""
    body = TickNews(
        reqId=request_id,
        timestamp=epoch_ms(event.published),
        providerCode=event.provider,
        articleId=event.article_id,
        headline=on_one_line(event.text),
        extraData=event.extra,
    )
    return protobuf_frame(Reply.TICK_NEWS, body)


def historical_news(_: int, request_id: int, event: NewsEvent) -> bytes:
    """A headline of the past: metadata in braces before the text, time without a zone (it is UTC)."""
    body = HistoricalNews(
        reqId=request_id,
        time=past_time(event),
        providerCode=event.provider,
        articleId=event.article_id,
        headline=past_headline(event),
    )
    return protobuf_frame(Reply.HISTORICAL_NEWS, body)


def historical_news_end(_: int, request_id: int, has_more: bool) -> bytes:
    """No more headlines in this answer; has_more: the limit cut it short."""
    return protobuf_frame(Reply.HISTORICAL_NEWS_END, HistoricalNewsEnd(reqId=request_id, hasMore=has_more))


def news_bulletin(_: int, bulletin: BulletinEvent) -> bytes:
    """A word to all."""
    body = NewsBulletin(
        newsMsgId=bulletin.id,
        newsMsgType=bulletin.kind,
        newsMessage=bulletin.text,
        originatingExch=bulletin.exchange,
    )
    return protobuf_frame(Reply.NEWS_BULLETIN, body)


def news_article(_: int, request_id: int, kind: int, text: str) -> bytes:
    """A body: kind 0 is text or HTML, 1 is base64."""
    return protobuf_frame(Reply.NEWS_ARTICLE, NewsArticle(reqId=request_id, articleType=kind, articleText=text))
