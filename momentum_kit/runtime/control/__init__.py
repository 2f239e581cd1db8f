"""The control endpoint: how kit, panel and command line reach a running engine, over local HTTP."""

from momentum_kit.runtime.control.client import ControlClient
from momentum_kit.runtime.control.commands import COMMANDS, LEAVING, REDUCING, WIND_DOWNS, refusal
from momentum_kit.runtime.control.event_client import EventStream, StreamEvent
from momentum_kit.runtime.control.hub import EventHub, PublishedJournal
from momentum_kit.runtime.control.messages import decode_status_text, encode_status
from momentum_kit.runtime.control.metrics import Metrics
from momentum_kit.runtime.control.server import ControlServer
from momentum_kit.runtime.control.tuning import ThresholdState

__all__ = [
    "COMMANDS",
    "LEAVING",
    "REDUCING",
    "WIND_DOWNS",
    "ControlClient",
    "ControlServer",
    "EventHub",
    "EventStream",
    "Metrics",
    "PublishedJournal",
    "StreamEvent",
    "ThresholdState",
    "decode_status_text",
    "encode_status",
    "refusal",
]
