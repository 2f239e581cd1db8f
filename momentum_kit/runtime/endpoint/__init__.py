"""The engine's side of the control endpoint: local HTTP, the event stream, metrics."""

from momentum_kit.runtime.endpoint.hub import EventHub, PublishedJournal
from momentum_kit.runtime.endpoint.metrics import Metrics
from momentum_kit.runtime.endpoint.server import ControlServer

__all__ = ["ControlServer", "EventHub", "Metrics", "PublishedJournal"]
