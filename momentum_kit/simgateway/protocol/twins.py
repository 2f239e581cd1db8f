"""Chooses the wire of a message: text fields, or protobuf from the server version that switched it over.

A message is written twice, under the same name and with the same parameters, in protocol/text and protocol/protobuf.
Whoever sends one calls the text function; from server version `since` its decorator lets the twin answer. So callers
know one function a message, and a client at 200 never makes anybody load protobuf and its generated classes.
"""

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, Concatenate, ParamSpec

P = ParamSpec("P")

# Server versions at which IB moved a family of messages, requests and answers alike, to protobuf.
EXECUTIONS, PLACE_ORDER, COMPLETED_ORDERS, CONTRACTS, MARKET_DATA = 201, 203, 204, 205, 206
ACCOUNTS, HISTORY, NEWS, SCANNER, COMMISSIONS, SYMBOLS, IDS_AND_TIME = 207, 208, 209, 210, 211, 212, 213
CONFIG = 219


def protobuf_from(
    since: int,
) -> Callable[[Callable[Concatenate[int, P], bytes]], Callable[Concatenate[int, P], bytes]]:
    """Let the function of the same name in the protobuf twin of this module answer from server version `since`.

    The twin of text/news.py is protobuf/news.py; it is imported when a client first needs it, so that the text wire
    never pays for protobuf. Both functions take the session's server version first and have the same signature.
    """

    def join(text: Callable[Concatenate[int, P], bytes]) -> Callable[Concatenate[int, P], bytes]:
        twin: Callable[..., bytes] | None = None

        @wraps(text)
        def choose(version: int, /, *args: P.args, **kwargs: P.kwargs) -> bytes:
            nonlocal twin
            if version < since:
                return text(version, *args, **kwargs)
            if twin is None:
                twin = _twin_of(text)
            return twin(version, *args, **kwargs)

        return choose

    return join


def _twin_of(text: Callable[..., Any]) -> Callable[..., bytes]:
    # By name and not by an import statement: the twin itself imports the text module that is decorated here.
    package, _, module = text.__module__.rpartition(".")
    twin: Callable[..., bytes] = getattr(
        import_module(f"{package.replace('.text', '.protobuf')}.{module}"), text.__name__
    )
    return twin
