"""Makes one row of a list unreadable, on either wire: its quantity is a word, all else stays as it was."""

from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.wire import BINARY_NUMBERS, PROTOBUF_OFFSET

WORD = "unreadable"
# Where the quantity stands among the text fields, the message's number not counted.
_QUANTITY_AT = {Reply.OPEN_ORDER: 13, Reply.COMPLETED_ORDER: 12, Reply.POSITION: 13, Reply.EXECUTION: 18}


def unreadable(payload: bytes, version: int) -> bytes:
    """The payload of an openOrder, completedOrder, position or execDetails with a word for its quantity."""
    head = b""
    if version >= BINARY_NUMBERS:
        head, payload = payload[:4], payload[4:]
        number = int.from_bytes(head, "big")
        if number > PROTOBUF_OFFSET:
            return head + _unreadable_protobuf(payload, number - PROTOBUF_OFFSET)
    else:
        text, _, payload = payload.partition(b"\0")
        head, number = text + b"\0", int(text)
    fields = payload.split(b"\0")
    fields[_QUANTITY_AT[Reply(number)]] = WORD.encode()
    return head + b"\0".join(fields)


def _unreadable_protobuf(body: bytes, number: int) -> bytes:
    # protobuf is heavy: not before a client speaks it
    from ibapi.protobuf.CompletedOrder_pb2 import CompletedOrder
    from ibapi.protobuf.ExecutionDetails_pb2 import ExecutionDetails
    from ibapi.protobuf.OpenOrder_pb2 import OpenOrder
    from ibapi.protobuf.Position_pb2 import Position

    if number == Reply.POSITION:
        row = Position.FromString(body)
        row.position = WORD
        return bytes(row.SerializeToString())
    if number == Reply.EXECUTION:
        execution = ExecutionDetails.FromString(body)
        execution.execution.shares = WORD
        return bytes(execution.SerializeToString())
    order = (OpenOrder if number == Reply.OPEN_ORDER else CompletedOrder).FromString(body)
    order.order.totalQuantity = WORD
    return bytes(order.SerializeToString())
