"""The reader against a real HTTP server on loopback, in every mood a service can have."""

import asyncio
import json
import math
import socket
from types import SimpleNamespace

import pytest
from aiohttp import web

from momentum_kit.config import ReaderSettings
from momentum_kit.external import AIReader
from momentum_kit.external import ai_reader as module
from momentum_kit.external.ai_reader import FAILURES_TO_PAUSE, MAX_RESPONSE_BYTES, PAUSE_S, parse_reading
from momentum_kit.models.news import Catalyst

GOOD = {"catalyst": "fda", "direction": 0.8, "confidence": 0.9, "rationale": "approval"}


def completion(content):
    """A chat completion with this content."""
    text = content if isinstance(content, str) else json.dumps(content)
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


class Service:
    """An endpoint whose next answer the test chooses; keeps every request."""

    def __init__(self):
        self.requests = []
        self.answer = self.good
        self.url = ""

    async def handle(self, request):
        """Keep the request, then answer."""
        self.requests.append((dict(request.headers), await request.json()))
        return await self.answer(request)

    async def good(self, _request):
        """What the schema asks for."""
        return web.json_response(completion(GOOD))


@pytest.fixture
async def service():
    """A running service."""
    made = Service()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield made
    await runner.cleanup()


@pytest.fixture
async def make_reader(service):
    """A reader of that service."""
    readers = []

    def make(deadline_s=60.0):
        readers.append(AIReader(ReaderSettings(url=service.url, model="small", deadline_s=deadline_s)))
        return readers[-1]

    yield make
    for reader in readers:
        await reader.close()


async def test_a_good_answer_is_a_reading(service, make_reader, monkeypatch):
    """The request carries model, schema and key from the environment; the answer becomes a Reading."""
    monkeypatch.setenv("MOMENTUM_KIT_AI_KEY", "secret-1")
    reading = await make_reader().read("Acme (ACME) receives FDA approval", "ACME", "The body")
    assert reading
    assert (reading.catalyst, reading.direction, reading.confidence) == (Catalyst.FDA, 0.8, 0.9)
    assert (reading.source, reading.rationale) == ("small", "approval")
    headers, body = service.requests[0]
    assert headers["Authorization"] == "Bearer secret-1"
    assert body["model"] == "small"
    assert body["response_format"]["json_schema"]["strict"] is True
    story = json.loads(body["messages"][1]["content"])
    assert story == {"symbol": "ACME", "headline": "Acme (ACME) receives FDA approval", "body": "The body"}


async def test_without_a_key_none_is_sent(service, make_reader, monkeypatch):
    """A service of one's own machine needs none."""
    monkeypatch.delenv("MOMENTUM_KIT_AI_KEY", raising=False)
    assert await make_reader().read("text", "ACME")
    assert "Authorization" not in service.requests[0][0]


async def test_off_without_a_url():
    """The default settings ask nobody."""
    assert await AIReader(ReaderSettings()).read("text", "ACME") is None


async def test_a_slow_service_is_left_at_the_deadline(service, make_reader):
    """However long it would take, the caller waits no longer than the deadline."""

    async def slow(_request):
        await asyncio.sleep(30)
        return web.Response()

    service.answer = slow
    async with asyncio.timeout(60):
        assert await make_reader(deadline_s=0.2).read("text", "ACME") is None


async def test_a_dripping_body_is_left_at_the_deadline(service, make_reader):
    """The deadline covers the body as well as the headers."""

    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(600):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    service.answer = drip
    async with asyncio.timeout(60):
        assert await make_reader(deadline_s=0.3).read("text", "ACME") is None


async def test_a_huge_answer_is_cut_off(service, make_reader):
    """No more than MAX_RESPONSE_BYTES are kept, whatever is announced."""

    async def huge(_request):
        return web.Response(body=b"x" * (MAX_RESPONSE_BYTES * 20))

    service.answer = huge
    assert await make_reader().read("text", "ACME") is None


@pytest.mark.parametrize("status", [302, 401, 429, 500])
async def test_any_other_status_is_no_reading(service, make_reader, status):
    """Errors and redirects (which would carry the key elsewhere) are not followed."""

    async def refuse(_request):
        return web.Response(status=status, headers={"Location": "http://127.0.0.1:9/"})

    service.answer = refuse
    assert await make_reader().read("text", "ACME") is None
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        "not json", "[]", "null", "{}", '{"catalyst": "fda"}',
        GOOD | {"catalyst": "moon"}, GOOD | {"direction": 2}, GOOD | {"confidence": -0.1},
        GOOD | {"direction": "up"}, GOOD | {"direction": True}, GOOD | {"confidence": None}, GOOD | {"catalyst": []},
        '{"catalyst": "fda", "direction": NaN, "confidence": 1, "rationale": ""}',
    ],
)  # fmt: skip
async def test_what_breaks_the_schema_is_no_reading(service, make_reader, content):
    """A model's words are data: anything but the schema is dropped."""

    async def answer(_request):
        return web.json_response(completion(content))

    service.answer = answer
    assert await make_reader().read("text", "ACME") is None


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 5000, b"{}", b'{"choices": []}', b'{"choices": [{}]}', b"1"])
def test_garbage_raises_one_kind_of_error(body):
    """Whatever the bytes, the failure is a ValueError."""
    with pytest.raises(ValueError):
        parse_reading(body, "test")


async def test_nobody_listens(make_reader, service):
    """A refused connection is no reading."""
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))  # held, so that nobody else comes to listen there
        service.url = f"http://127.0.0.1:{ours.getsockname()[1]}/v1"
        assert await make_reader().read("text", "ACME") is None


async def test_the_breaker_pauses_and_recovers(service, make_reader, monkeypatch):
    """After some failures in a row nothing is asked until the pause is over; then one answer is enough."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))

    async def fail(_request):
        return web.Response(status=500)

    service.answer = fail
    reader = make_reader()
    for _ in range(FAILURES_TO_PAUSE):
        assert await reader.read("text", "ACME") is None
    service.answer = service.good
    for passed in (0.0, PAUSE_S - 1.0):
        clock.now = 1000.0 + passed
        assert await reader.read("text", "ACME") is None
    assert len(service.requests) == FAILURES_TO_PAUSE
    clock.now = 1000.0 + PAUSE_S
    assert await reader.read("text", "ACME")
    assert len(service.requests) == FAILURES_TO_PAUSE + 1


async def test_one_success_forgets_the_failures(service, make_reader):
    """Only failures in a row pause the reader."""

    async def fail(_request):
        return web.Response(status=500)

    reader = make_reader()
    for _ in range(3):
        service.answer = fail
        for _ in range(FAILURES_TO_PAUSE - 1):
            await reader.read("text", "ACME")
        service.answer = service.good
        assert await reader.read("text", "ACME")


def test_rationale_is_bounded():
    """A chatty model does not fill the journal."""
    reading = parse_reading(json.dumps(completion(GOOD | {"rationale": "x" * 9999})).encode(), "test")
    assert len(reading.rationale) == 500
    assert not math.isnan(reading.direction)
