"""Streams and the subscriptions that feed them: what a service reads with `async for`."""

from momentum_kit.bridge.streams.buffers import Everything, Feed, Latest, Stream
from momentum_kit.bridge.streams.lines import MarketLine, NewsLine
from momentum_kit.bridge.streams.subscriptions import Subscriptions

__all__ = ["Everything", "Feed", "Latest", "MarketLine", "NewsLine", "Stream", "Subscriptions"]
