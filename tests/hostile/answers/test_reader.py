"""Answers of the AI service: a reading of one's own values, or none; never an exception, and never a broken record."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from momentum_kit.config import ReaderSettings
from momentum_kit.external import AIReader
from momentum_kit.models import IncidentRow
from momentum_kit.models.news import Reading
from momentum_kit.storage.journal import SqliteJournal, query

AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def told(content: str) -> bytes:
    """A chat completion, its content as these very characters of JSON."""
    return b'{"choices":[{"message":{"content":%s}}]}' % json.dumps(content).encode()


def reading(**values: object) -> str:
    """An answer's content with some of it changed."""
    good = {"catalyst": "fda", "direction": 0.8, "confidence": 0.9, "rationale": "approval"}
    return json.dumps(good | values)


ANSWERS = {
    "half a character": told(reading(rationale="\ud800")),
    "half a character in a name": told(reading(catalyst="fda\udfff")),
    "a number of 400 digits": told(reading().replace("0.8", "1" + "0" * 400)),
    "a number of 5,000 digits": told(reading().replace("0.8", "1" + "0" * 5_000)),
    "infinity": told(reading().replace("0.8", "Infinity")),
    "nan": told(reading().replace("0.9", "NaN")),
    "exponent": told(reading().replace("0.9", "1e999")),
    "deep": told("[" * 30_000),
    "deep outside": b"[" * 30_000,
    "deep rationale": told(reading().replace('"approval"', "[" * 900 + "]" * 900)),
    "lists for values": told(reading(catalyst=[], direction=[], confidence={})),
    "a list": told("[]"),
    "a number": told("7"),
    "null": b"null",
    "other keys": told('{"a": 1}'),
    "choices without end": b'{"choices":' + b"[" * 30_000,
    "no text": b"\xff\xfe\x00",
    "utf-16": told(reading()).decode().encode("utf-16"),
    "escapes": told(reading(rationale="\x1b[2J\x1b]0;owned\x07 fine\r\n\x00\u202e")),
    "long": told(reading(rationale="A" * 60_000)),
    "nothing": b"",
    "twice": told(reading()) * 2,
}


@pytest.fixture
async def service() -> AsyncIterator[tuple[str, dict[str, bytes]]]:
    """A service that answers what stands in its box."""
    box = {"answer": b""}

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=box["answer"], content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1", box
    await runner.cleanup()


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_a_reading_or_none(name: str, service: tuple[str, dict[str, bytes]], tmp_path: Path) -> None:
    """What comes of it can be shown, encoded and kept."""
    url, box = service
    box["answer"] = ANSWERS[name]
    reader = AIReader(ReaderSettings(url=url, model="any", deadline_s=20))
    try:
        found = await reader.read("XYZW surges", "XYZW")
    finally:
        await reader.close()
    if found is not None:
        assert isinstance(found, Reading)
        assert found.rationale.isprintable()
        assert len(found.rationale) <= 500
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.write(IncidentRow(at=AT, kind="reading", text=found.rationale if found else "none"))
    journal.close()
    assert len(query(tmp_path / "journal.db", "SELECT text FROM incidents")) == 1
