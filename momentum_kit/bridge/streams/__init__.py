"""Streams and the subscriptions that feed them: what a service reads with `async for`."""

from momentum_kit.bridge.streams.buffers import Feed, LatestBuffer, LosslessBuffer, Stream, must_run_on
from momentum_kit.bridge.streams.lines import MarketLine, NewsLine
from momentum_kit.bridge.streams.subscriptions import Subscriptions

__all__ = [
    "Feed", "LatestBuffer", "LosslessBuffer", "MarketLine", "NewsLine", "Stream", "Subscriptions", "must_run_on",
]  # fmt: skip
