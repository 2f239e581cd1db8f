"""The page in a real browser under hands that slip, and where answers stay away: one press is never two, old is old."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from momentum_kit.config import Config, load_config
from momentum_kit.models.session import PositionView
from momentum_kit.notebook.html import STALE_S
from momentum_kit.notebook.page import PageAddress, PageServer
from tests.browser.browser_lab import CHROMIUM, NOBODY, QUIET, ROOT
from tests.helpers.told_endpoint import AT, ToldEndpoint, told_endpoint

TOKEN = "a token of twenty-four characters"
REPEATS = 25  # of a key that is held down, 30 ms apart
UNANSWERED_S = 15.0  # by then a person who pressed has been told that nobody answers
HELD = PositionView(
    symbol="ABCD", con_id=1, quantity=300, average_price=5.0, last_price=5.2, unrealised_usd=60.0, stop_price=4.9,
    r=0.6, opened_at=AT,
)  # fmt: skip

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: apt-get install chromium")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The simulated account, its state below a temporary folder."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    return load_config(ROOT / "config" / "sim.yaml")


@pytest.fixture
async def endpoint(config: Config, tmp_path: Path) -> AsyncIterator[ToldEndpoint]:
    """An engine's endpoint that owns the account and holds one position."""
    async with told_endpoint(config, tmp_path / "run") as served:
        served.status = replace(served.status, positions=(HELD,))
        yield served


@pytest.fixture
async def server(config: Config, endpoint: ToldEndpoint) -> AsyncIterator[PageServer]:
    """Its page, served from here."""
    served = PageServer(config, endpoint.folder, PageAddress(port=0), token=lambda: TOKEN)
    await served.start()
    yield served
    await served.stop()


@pytest.fixture
async def screen(server: PageServer) -> AsyncIterator[Page]:
    """A browser that is logged in and shows the session."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, f"--host-resolver-rules={NOBODY}"]
        )
        page = await browser.new_page()
        await page.goto(server.url)
        await page.fill("#token", TOKEN)
        await page.click("text=Log in")
        await expect(page.locator("[data-command=flatten]")).to_be_enabled()
        await expect(page.locator("#close button")).to_be_visible()
        yield page
        await browser.close()


async def hold_enter(screen: Page, button: str) -> None:
    """As a thumb that rests on the key: the system repeats it until it is let go."""
    await screen.focus(button)
    await screen.keyboard.down("Enter")
    for _ in range(REPEATS):
        await asyncio.sleep(0.03)
        await screen.keyboard.down("Enter")
    await screen.keyboard.up("Enter")


async def nothing_but_what_comes_next(screen: Page, endpoint: ToldEndpoint) -> None:
    """What is pressed next is the first that the engine hears of."""
    await screen.click("[data-command=reduce_only]")
    async with asyncio.timeout(UNANSWERED_S):
        while "reduce_only" not in endpoint.commands:  # noqa: ASYNC110  (the endpoint tells no event)
            await asyncio.sleep(0.01)
    assert endpoint.commands == ["reduce_only"]


async def test_a_key_that_is_held_down_is_not_both_steps_of_a_kill(screen: Page, endpoint: ToldEndpoint) -> None:
    """The first step opens the second; what the system repeats is no second press."""
    await hold_enter(screen, "#kill-ask")
    await nothing_but_what_comes_next(screen, endpoint)
    await expect(screen.locator("#kill-words")).to_contain_text("LATCHES")


@pytest.mark.parametrize("button", ["[data-command=flatten]", "#close button"], ids=["flatten", "close"])
async def test_a_key_that_is_held_down_does_not_answer_sure(screen: Page, endpoint: ToldEndpoint, button: str) -> None:
    """A button that asks again asks a person."""
    await hold_enter(screen, button)
    await nothing_but_what_comes_next(screen, endpoint)


@pytest.mark.parametrize("button", ["[data-command=flatten]", "#close button", "#kill-ask"])
async def test_a_double_click_is_one_press(screen: Page, endpoint: ToldEndpoint, button: str) -> None:
    """It asks once and answers nothing: everything is sold at the market otherwise, for a habit of the hand."""
    await screen.dblclick(button)
    await nothing_but_what_comes_next(screen, endpoint)


async def test_a_press_that_nobody_answers_is_told_so(screen: Page) -> None:
    """A connection that is dead and does not know it holds no word back for minutes: "sent" is not what is known."""

    async def never(_route: Route) -> None:
        return

    await screen.route("**/command", never)
    await screen.click("[data-command=pause]")
    await expect(screen.locator("#said")).to_contain_text("not known", timeout=UNANSWERED_S * 1e3)


async def test_a_page_that_is_painted_no_more_does_not_come_back_to_life(
    screen: Page, server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it has called itself old it stays so until something new comes, however often its stream is begun anew."""
    stuck, let_go = threading.Event(), threading.Event()

    def paint() -> None:
        stuck.set()
        let_go.wait()

    monkeypatch.setattr(server._painter, "paint", paint)
    try:
        await asyncio.to_thread(stuck.wait)
        flatten = screen.locator("[data-command=flatten]")
        await expect(flatten).to_be_disabled(timeout=2e3 * STALE_S)
        await expect(screen.locator("#line")).to_be_visible()
        with pytest.raises(AssertionError):
            await expect(flatten).to_be_enabled(timeout=3e3)
    finally:
        let_go.set()


async def test_whoever_logs_out_leaves_nothing_on_the_screen_s_other_side(screen: Page) -> None:
    """On a device that is not one's own: account, positions and headlines are gone from the page, not merely hidden."""
    await screen.click("#logout")
    await expect(screen.locator("#door")).to_be_visible()
    left = await screen.locator("#page").text_content() or ""
    assert "ABCD" not in left
    assert "DU1" not in left
