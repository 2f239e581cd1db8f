"""A port that is a test's own although nobody listens there yet, or any more."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port() -> Iterator[int]:
    """A port of 127.0.0.1 that nobody else is given: closed, until somebody listens there who may reuse addresses."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as asyncio's servers do
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
