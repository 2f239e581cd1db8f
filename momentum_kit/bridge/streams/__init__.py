"""Streams and the subscriptions that feed them: what a service reads with `async for`."""

from momentum_kit.bridge.streams.buffers import Feed, LatestBuffer, LosslessBuffer, Stream, must_run_on
from momentum_kit.bridge.streams.by_id import OwnStream, OwnStreams
from momentum_kit.bridge.streams.line_states import FARM_GRACE_S
from momentum_kit.bridge.streams.lines import MarketLine, NewsLine
from momentum_kit.bridge.streams.subscriptions import Subscriptions

__all__ = [
    "FARM_GRACE_S", "Feed", "LatestBuffer", "LosslessBuffer", "MarketLine", "NewsLine", "OwnStream", "OwnStreams",
    "Stream", "Subscriptions", "must_run_on",
]  # fmt: skip
