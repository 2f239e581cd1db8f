"""How kit, panel and command line reach a running engine: the client, the event stream, commands and their rules."""

from momentum_kit.runtime.control.client import ANSWERS, INQUIRY_S, ControlClient
from momentum_kit.runtime.control.commands import COMMANDS, LEAVING, OF_A_SYMBOL, REDUCING, WIND_DOWNS, refusal
from momentum_kit.runtime.control.event_client import EventStream, StreamEvent
from momentum_kit.runtime.control.last_resort import kill_engine
from momentum_kit.runtime.control.messages import decode_status_text, encode_bars, encode_status
from momentum_kit.runtime.control.proof import PROOF_PATH, PROOF_QUESTION, prove
from momentum_kit.runtime.control.tuning import ThresholdState

__all__ = [
    "ANSWERS",
    "COMMANDS",
    "INQUIRY_S",
    "LEAVING",
    "OF_A_SYMBOL",
    "PROOF_PATH",
    "PROOF_QUESTION",
    "REDUCING",
    "WIND_DOWNS",
    "ControlClient",
    "EventStream",
    "StreamEvent",
    "ThresholdState",
    "decode_status_text",
    "encode_bars",
    "encode_status",
    "kill_engine",
    "prove",
    "refusal",
]
