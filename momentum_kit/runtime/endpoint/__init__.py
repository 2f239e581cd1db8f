"""The engine's side of the control endpoint: local HTTP, the event stream, metrics."""

from momentum_kit.runtime.endpoint.hub import EventHub, PublishedJournal
from momentum_kit.runtime.endpoint.metrics import Metrics, snapshot_text
from momentum_kit.runtime.endpoint.server import ControlServer
from momentum_kit.runtime.endpoint.socket import BoundedListener

__all__ = ["BoundedListener", "ControlServer", "EventHub", "Metrics", "PublishedJournal", "snapshot_text"]
