"""IB's wire protocol as the gateway's side speaks it: frames, requests in, messages out."""

from momentum_kit.simgateway.protocol.numbers import REPLIES, REQUESTS, Request
from momentum_kit.simgateway.protocol.times import DAY_S, duration_text, parse_time
from momentum_kit.simgateway.protocol.torn_rows import unreadable
from momentum_kit.simgateway.protocol.wire import (
    BINARY_NUMBERS,
    PROTOBUF_OFFSET,
    FrameBuffer,
    Hello,
    WireError,
    epoch_ms,
    fits_int32,
    frame,
    message,
    wire_time,
)

__all__ = [
    "BINARY_NUMBERS",
    "DAY_S",
    "PROTOBUF_OFFSET",
    "REPLIES",
    "REQUESTS",
    "FrameBuffer",
    "Hello",
    "Request",
    "WireError",
    "duration_text",
    "epoch_ms",
    "fits_int32",
    "frame",
    "message",
    "parse_time",
    "unreadable",
    "wire_time",
]
