"""The page without Jupyter in a real browser, on a desk and on a phone: log in, look, reduce risk, and what breaks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from momentum_kit.storage.journal import query
from tests.browser.browser_lab import Trading, start_chromium, wait_until
from tests.browser.served_page import DESK, PHONE, Screen, ServedPage, served_page

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def browser(project: Path, playwright: Playwright) -> Iterator[Browser]:  # project: skips without a browser
    """Chromium without Jupyter."""
    started = start_chromium(playwright)
    yield started
    started.close()


@pytest.fixture
def served(project: Path, market: Trading) -> Iterator[ServedPage]:
    """The page of the session."""
    with served_page(project, market.port) as page:
        yield page


@pytest.fixture
def desk(browser: Browser) -> Iterator[Screen]:
    """A window as wide as a desk's; afterwards nothing may have been logged as an error."""
    page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]
    screen = Screen(page)
    yield screen
    page.close()
    assert screen.errors == []


@pytest.fixture
def phone(browser: Browser) -> Iterator[Screen]:
    """A phone, which is touched."""
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)  # type: ignore[arg-type]
    screen = Screen(context.new_page())
    yield screen
    context.close()
    assert screen.errors == []


def hold_something(market: Trading) -> str:
    """Start, and wait for a position; its symbol."""
    market.client.start()
    wait_until(lambda: market.client.status().positions, "something is held")
    return market.client.status().positions[0].symbol


def test_a_session_is_seen_and_steered_from_a_desk(desk: Screen, served: ServedPage, market: Trading) -> None:
    """A wrong token is told; then what the panel shows; a position is closed alone, entries stop, all journalled."""
    desk.page.goto(served.url)
    desk.page.fill("#token", "not the token")
    desk.page.click("text=Log in")
    expect(desk.page.locator("#refused")).to_contain_text("not the page's token")
    desk.shoot("door")
    desk.log_in(served)
    desk.says("head", "not started")
    symbol = hold_something(market)
    with market.held():
        desk.says("positions", symbol)
        desk.says("orders", "Filled")
        desk.says("signals", "shares")
        desk.shoot("trading_desk")
    close = desk.page.locator(f"#close [data-symbol='{symbol}']")
    close.click()
    expect(close).to_have_text(f"Sure? Close {symbol}")
    close.click()
    wait_until(lambda: symbol not in [view.symbol for view in market.client.status().positions], "closed")
    desk.button("Pause").click()
    desk.says("head", "paused")
    expect(desk.button("Pause")).to_be_disabled()
    desk.button("Reduce only").click()
    desk.says("head", "reduce only")
    desk.button("Flatten").click()
    desk.button("Sure? Flatten").click()
    given = "SELECT command FROM commands WHERE source = 'page'"
    wait_until(lambda: len(query(market.run_dir / "journal.db", given)) == 4, "the journal has every command")
    assert [row[0] for row in query(market.run_dir / "journal.db", given)][-3:] == ["pause", "reduce_only", "flatten"]
    desk.button("Log out").click()
    expect(desk.page.locator("#door")).to_be_visible()
    desk.page.reload()
    expect(desk.page.locator("#door")).to_be_visible()


def test_a_phone_kills_in_two_steps_and_sees_the_engine_end(phone: Screen, served: ServedPage, market: Trading) -> None:
    """The first step says what the second does; afterwards the page tells that nothing runs, and is still there."""
    phone.log_in(served)
    symbol = hold_something(market)
    with market.held():
        phone.says("positions", symbol)
        phone.shoot("trading_phone")
        phone.shoot("trading_phone_fold", whole=False)
    expect(phone.button("Yes, KILL now")).to_be_disabled()
    phone.button("Kill …").click()
    expect(phone.page.locator("#kill-words")).to_contain_text("LATCHES")
    phone.shoot("kill_armed_phone", whole=False)

    def take_second_step() -> bool:
        phone.button("Kill …").evaluate("button => button.click()")  # a picture may outlast the second step
        confirm = phone.button("Yes, KILL now")
        return not confirm.evaluate("button => button.disabled || button.click()")

    wait_until(take_second_step, "the second step is taken")
    wait_until(lambda: not market.folder.owned, "the engine has ended")
    phone.says("head", "NO ENGINE RUNS")
    phone.says("head", "killed")
    phone.shoot("killed_phone", whole=False)
    assert market.folder.killed.startswith("by page")


def test_a_phone_that_loses_its_connection_mid_kill_is_told_so_and_sees_the_truth_later(
    phone: Screen, served: ServedPage, market: Trading
) -> None:
    """Nothing is claimed of what was sent into nothing; back again it shows what is, and a kill works."""
    phone.log_in(served)
    hold_something(market)
    phone.button("Kill …").click()
    expect(phone.button("Yes, KILL now")).to_be_enabled()
    phone.page.context.set_offline(True)
    phone.button("Yes, KILL now").click()
    expect(phone.page.locator("#said")).to_contain_text("whether this arrived is not known")
    assert not market.folder.killed
    phone.page.context.set_offline(False)
    phone.says("head", "gateway up")
    phone.button("Kill …").click()
    phone.button("Yes, KILL now").click()
    wait_until(lambda: market.folder.killed, "latched")


def test_a_page_whose_server_is_gone_says_so_and_comes_back(desk: Screen, project: Path, market: Trading) -> None:
    """What it shows is called old at once and nothing can be pressed; a new server asks for the token again."""
    with served_page(project, market.port) as first:
        desk.log_in(first)
        port = int(first.url.rstrip("/").rpartition(":")[2])
    expect(desk.page.locator("#line")).to_contain_text("NO CONNECTION")
    expect(desk.button("Pause")).to_be_disabled()
    desk.shoot("cut_off_desk")
    with served_page(project, market.port, port) as second:
        expect(desk.page.locator("#door")).to_be_visible()
        assert second.token == first.token, "what a phone keeps is good for longer than a server"
        desk.log_in(second)
