"""The reader against a real HTTP server on loopback, in every mood a service can have."""

import asyncio
import json
import math
import socket
from datetime import datetime
from types import SimpleNamespace

import pytest
from aiohttp import web

from momentum_kit.config import ReaderSettings, load_config
from momentum_kit.errors import ConfigError
from momentum_kit.external import AIReader
from momentum_kit.external import ai_reader as module
from momentum_kit.external.ai_reader import (
    FAILURES_TO_PAUSE,
    HOUR_S,
    LONGEST_PAUSE_S,
    MAX_RESPONSE_BYTES,
    PAUSE_S,
    parse_reading,
)
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

    def make(deadline_s=60.0, tell=print, **settings):
        given = ReaderSettings(url=service.url, model="small", deadline_s=deadline_s, **settings)
        readers.append(AIReader(given, tell))
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
    told = []
    reader = make_reader(tell=told.append)
    for _ in range(FAILURES_TO_PAUSE):
        assert await reader.read("text", "ACME") is None
    assert told == [
        "the AI reader is not asked for 60 s (5 failures in a row, the last: status 500); the rules read alone"
    ]
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
    for round_ in range(3):
        service.answer = fail
        for _ in range(FAILURES_TO_PAUSE - 1):
            await reader.read(f"text {round_}", "ACME")
        service.answer = service.good
        assert await reader.read(f"text {round_}", "ACME")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("20", 20.0), ("Mon, 30 Nov 2026 14:00:30 GMT", 30.0), ("999999999", LONGEST_PAUSE_S), ("inf", LONGEST_PAUSE_S)],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_service_that_names_a_time_is_left_alone_so_long(
    service, make_reader, monkeypatch, status, header, seconds
):
    """Retry-After in seconds or as a date, an hour at most; a human hears of it once."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(
        module, "datetime", SimpleNamespace(now=lambda zone: datetime(2026, 11, 30, 14, 0, tzinfo=zone))
    )

    async def busy(_request):
        return web.Response(status=status, headers={"Retry-After": header})

    service.answer = busy
    told = []
    reader = make_reader(tell=told.append)
    assert await reader.read("text", "ACME") is None
    service.answer = service.good
    clock.now += seconds - 1.0
    assert await reader.read("text", "ACME") is None
    assert len(service.requests) == 1
    assert told == [
        f"the AI reader is not asked for {seconds:.0f} s (status {status}, Retry-After); the rules read alone"
    ]
    clock.now += 1.0
    assert await reader.read("text", "ACME")


@pytest.mark.parametrize("header", ["", "soon", "-5", "nan", "Mon, 30 Nov 2009 14:00:30 GMT", "Mon, 99 Nov"])
async def test_a_time_to_wait_that_is_none_is_an_ordinary_failure(service, make_reader, header):
    """Asked again with the next headline."""

    async def busy(_request):
        return web.Response(status=429, headers={"Retry-After": header} if header else {})

    service.answer = busy
    reader = make_reader()
    assert await reader.read("text", "ACME") is None
    service.answer = service.good
    assert await reader.read("text", "ACME")


async def test_several_that_are_turned_away_at_once_are_told_of_once(service, make_reader):
    """Four headlines are read side by side; a human hears of one pause."""
    waiting = asyncio.Barrier(4)

    async def busy(_request):
        await waiting.wait()
        return web.Response(status=429, headers={"Retry-After": "20"})

    service.answer = busy
    told = []
    reader = make_reader(tell=told.append)
    assert await asyncio.gather(*(reader.read(f"headline {number}", "ACME") for number in range(4))) == [None] * 4
    assert len(told) == 1


async def test_an_hour_has_its_share(service, make_reader, monkeypatch):
    """Beyond it nothing is sent and a human is told once; an hour after the first another may go."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    told = []
    reader = make_reader(tell=told.append, max_requests_per_hour=3)
    for number in range(6):
        clock.now += 60.0
        assert bool(await reader.read(f"headline {number}", "ACME")) is (number < 3)
    assert len(service.requests) == 3
    assert told == ["the AI reader has had the 3 headlines of this hour; the rules read alone"]
    clock.now = 1000.0 + 60.0 + HOUR_S
    assert await reader.read("headline 6", "ACME")
    assert await reader.read("headline 7", "ACME") is None


async def test_a_repeated_story_costs_nothing(service, make_reader):
    """The same words about the same company are read once; about another one, or with its article, anew."""
    reader = make_reader()
    first = await reader.read("Acme wins", "ACME")
    assert await reader.read("Acme wins", "ACME") == first
    assert len(service.requests) == 1
    await reader.read("Acme wins", "GLBX")
    await reader.read("Acme wins", "ACME", "The body")
    assert len(service.requests) == 3


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}```", "  ```json {} ```\n"])
async def test_a_code_fence_around_the_answer_is_taken_off(service, make_reader, fence):
    """Many models wrap what they were asked for."""

    async def wrapped(_request):
        return web.json_response(completion(fence.replace("{}", json.dumps(GOOD))))

    service.answer = wrapped
    assert await make_reader().read("text", "ACME")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://user:secret-1@reader.example/v1", "no user, key or query in an address"),
        ("https://reader.example/v1?key=secret-1", "no user, key or query in an address"),
        ("https://secret-1@reader.example/v1", "no user, key or query in an address"),
        ("reader.example/v1", "expected a web address"),
        ("ftp://reader.example", "expected a web address"),
        ("http://", "expected a web address"),
        ("http://reader.example:99999", "expected a web address"),
        ("http://[::1", "expected a web address"),
    ],
)
def test_an_address_is_one_and_holds_no_key(tmp_path, url, words):
    """Told when the configuration is read, without the key that stood in it."""
    file = tmp_path / "sim.yaml"
    file.write_text(f"environment: sim\nnews: {{reader: {{url: '{url}', model: small}}}}\n")
    (tmp_path / "thresholds").mkdir()
    (tmp_path / "thresholds" / "default.yaml").write_text("{}\n")
    with pytest.raises(ConfigError, match=words) as refused:
        load_config(file)
    assert "secret-1" not in str(refused.value)
    assert "news.reader.url" in str(refused.value)


def test_rationale_is_bounded():
    """A chatty model does not fill the journal."""
    reading = parse_reading(json.dumps(completion(GOOD | {"rationale": "x" * 9999})).encode(), "test")
    assert len(reading.rationale) == 500
    assert not math.isnan(reading.direction)
