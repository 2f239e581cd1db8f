"""Hostile words in a real browser: the page without Jupyter, and a review's page, show exactly the words."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from momentum_kit import Review
from momentum_kit.config import Config, load_config
from momentum_kit.models.session import PositionView
from momentum_kit.notebook.page import PageAddress, PageServer
from momentum_kit.plain_text import plain_text
from tests.browser.browser_lab import CHROMIUM, NOBODY, QUIET, ROOT, SHOTS
from tests.helpers.told_endpoint import AT, ToldEndpoint, told_endpoint
from tests.hostile.corpus import TERMINAL, WORDS
from tests.hostile.told_sessions import FREE, plant, session

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: apt-get install chromium"),
]
TOKEN = "a token of twenty-four characters"
PATIENCE_MS = 60_000
SHOWN = [" ".join(plain_text(words).split()) for words in WORDS]
UNSEEN = "".join(TERMINAL).encode(errors="replace").decode()
COUNT = """(root) => document.querySelectorAll(
    `${root} :is(script, iframe, object, embed, a, h1, svg, form, math, mjx-container)`).length
    + [...document.querySelectorAll(`${root} *`)].filter((each) => [...each.attributes].some((one) =>
        one.name.startsWith("on"))).length
    + [...document.querySelectorAll(`${root} img`)].filter((each) => !each.src.startsWith("data:image/png")).length"""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium that reaches nothing but the loopback."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, f"--host-resolver-rules={NOBODY}"]
        )
        yield started
        await started.close()


@pytest.fixture
async def window(browser: Browser) -> AsyncIterator[Page]:
    """One that fails at the end if anything of the words' ran, opened, or asked somebody."""
    page = await browser.new_page(viewport={"width": 1280, "height": 1900})
    heard: list[str] = []
    page.on("dialog", lambda dialog: heard.append(f"dialog {dialog.message}"))
    page.on("popup", lambda other: heard.append(f"popup {other.url}"))
    page.on("pageerror", lambda error: heard.append(f"error {error}"))
    page.on("request", lambda asked: heard.append(asked.url) if "evil" in asked.url else None)
    yield page
    assert heard == []


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The simulated account, its state below a temporary folder."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    return load_config(ROOT / "config" / "sim.yaml")


@pytest.fixture
async def endpoint(config: Config, tmp_path: Path) -> AsyncIterator[ToldEndpoint]:
    """An engine's endpoint that tells what it is told to."""
    async with told_endpoint(config, tmp_path / "run") as served:
        yield served


async def test_the_page_without_jupyter_shows_the_words(window: Page, config: Config, endpoint: ToldEndpoint) -> None:
    """As headline and its reason, state, incident and symbol: every sign that can be seen, and nothing that acts."""
    server = PageServer(config, endpoint.folder, PageAddress(port=0), token=lambda: TOKEN)
    await server.start()
    try:
        await window.goto(server.url)
        await window.fill("#token", TOKEN)
        await window.click("text=Log in")
        await expect(window.locator("#part-head")).to_contain_text("gateway up", timeout=PATIENCE_MS)
        for number, words in enumerate(WORDS):
            told = f"{number}. {words}{UNSEEN} end {number}."
            row = {"at": AT, "story_id": f"s{number}", "article_id": "a", "text": told, "outcome": "skip",
                   "reason": words, "symbols": [words]}  # fmt: skip
            endpoint.hub.publish("headlines", row)
            shown = " ".join(plain_text(told, 401).split())
            await expect(window.locator("#part-headlines")).to_contain_text(shown, timeout=PATIENCE_MS)
            assert await window.evaluate(COUNT, "#part-headlines") == 0
        view = PositionView(symbol=WORDS[2], con_id=1, quantity=300, average_price=5.0, last_price=5.2,
                            unrealised_usd=60.0, stop_price=4.9, r=0.6, opened_at=AT)  # fmt: skip
        endpoint.status = replace(
            endpoint.status, positions=(view,), reason=f"{WORDS[2]}{UNSEEN}", incidents=(f"{WORDS[2]}{UNSEEN}",)
        )
        await expect(window.locator("#part-positions")).to_contain_text(SHOWN[2], timeout=PATIENCE_MS)
        await expect(window.locator("body")).to_contain_text(SHOWN[2], timeout=PATIENCE_MS)
        assert await window.evaluate(COUNT, "#part-positions") == 0
        text = await window.inner_text("body")
        assert all(char.isprintable() or char in "\n\t" for char in text)
        SHOTS.mkdir(parents=True, exist_ok=True)
        await window.screenshot(path=SHOTS / "hostile_page.png", full_page=True)
    finally:
        await server.stop()


async def test_a_review_shows_the_words(window: Page, tmp_path: Path) -> None:
    """In its groups, names, notes and warnings, with pictures that are drawn from the same words."""
    for number, words in enumerate(WORDS[:6]):
        folder = session(tmp_path / "runs" / f"{number}", f"{words}{UNSEEN}")
        plant(folder, f"{words}{UNSEEN}".encode(errors="replace").decode(), FREE)
    review = Review(tmp_path / "runs")
    for number, words in enumerate(WORDS[:6], 1):
        review.note(number, f"{words}{UNSEEN}")
    await window.goto(review.page(tmp_path / "review.html").as_uri())
    text = " ".join((await window.inner_text("body")).split())
    for shown in SHOWN[:6]:
        assert text.count(shown) >= 2, shown
    assert await window.evaluate(COUNT, "body") == 1  # its own title
    assert all(char.isprintable() for char in text)
    SHOTS.mkdir(parents=True, exist_ok=True)
    await window.screenshot(path=SHOTS / "hostile_review.png", full_page=True)
