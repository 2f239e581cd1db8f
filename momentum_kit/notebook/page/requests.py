"""How the page reads requests and answers them: whatever it says is closed to other pages, and nothing is logged."""

import asyncio
import logging
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from momentum_kit.errors import InputError
from momentum_kit.json_text import parse_json

BODY_TIMEOUT_S = 5.0
CLOSED_TO_OTHERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class QuietReader(RequestHandler):
    """aiohttp's reader of requests, which of one that it cannot read says nothing back: a secret may be in it."""

    __slots__ = ()

    def __init__(self, server: Server) -> None:
        super().__init__(server, loop=server._loop, **server._kwargs)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  (what may hold a secret)
    ) -> web.StreamResponse:
        """Like every other answer closed to others, without the words."""
        answer = super().handle_error(request, status, exc, None)
        answer.headers.update(CLOSED_TO_OTHERS)
        return answer


def silent_logger() -> logging.Logger:
    """Aiohttp's own, for this server: of a request that it cannot read it logs every header, secrets and all."""
    quiet = logging.getLogger("momentum_kit.page.requests")
    quiet.disabled = True
    return quiet


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body, which is a JSON object and says so; InputError, or a time-out for one that comes too slowly."""
    if request.content_type != "application/json":
        raise InputError("the body is not JSON")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            content = parse_json(await request.text())
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (ValueError, LookupError):
        raise InputError("the body is not JSON") from None
    if not isinstance(content, dict):
        raise InputError("the body is not a JSON object")
    return content


def refused(text: str, status: int) -> web.Response:
    """A refusal with its reason, for a person."""
    return web.json_response({"error": text}, status=status)
