"""The same messages and requests in protobuf, from the server version that switched each over."""

from momentum_kit.simgateway.protocol.protobuf.requests import parse_request

__all__ = ["parse_request"]
