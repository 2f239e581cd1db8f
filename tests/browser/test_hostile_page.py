"""A hostile page in a real browser against a running engine's endpoint, printed as a table (pytest -s): all refused.

The engine listens at its real port. The page comes from another port, from `localhost`, from no origin at all (a
sandboxed frame, a data: address), and, by a name that was rebound to the loopback, from the endpoint's own origin. It
tries what hostile_page.js lists, some of it with the right token. The same page robs a careless server first, so that
a refusal is the endpoint's doing and not the test's.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Frame, Page, Playwright

from momentum_kit.storage.journal import query
from tests.browser.browser_lab import Trading, start_chromium, wait_until
from tests.browser.careless import SECRET, Careless, careless_server
from tests.browser.served_page import Screen, served_page

SCRIPT = (Path(__file__).parent / "hostile_page.js").read_text()
WAIT_MS = 30_000  # for one attempt that nothing comes of, which none should be
Row = dict[str, str]
READS = {"fetch", "fetch, cookies", "fetch, the token", "fetch of metrics", "fetch of events", "xhr", "EventSource"}
COMMANDS = 13  # of the attempts are one
REFUSALS = {
    "",
    *(
        f'{{"error": "{words}"}}'
        for words in (
            "wrong Host header", "no web page may ask", "missing or wrong token", "no other page may ask",
            "no other page may ask; open this one by its address",
        )
    ),
}  # fmt: skip

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def browser(project: Path, playwright: Playwright) -> Iterator[Browser]:  # project: skips without a browser
    """Chromium that takes evil.example for the loopback, as one would whose DNS answer was just rebound."""
    started = start_chromium(playwright, "evil.example")
    yield started
    started.close()


@pytest.fixture
def careless() -> Iterator[Careless]:
    """The page's own server."""
    with careless_server() as served:
        yield served


def other_port(page: Page, own: int, _target: int) -> Frame:
    """The loopback at another port."""
    page.goto(f"http://127.0.0.1:{own}/")
    return page.main_frame


def other_name(page: Page, own: int, _target: int) -> Frame:
    """The loopback by its other name, at another port."""
    page.goto(f"http://localhost:{own}/")
    return page.main_frame


def sandboxed(page: Page, own: int, _target: int) -> Frame:
    """A frame whose origin is null."""
    page.goto(f"http://127.0.0.1:{own}/")
    page.evaluate(
        "() => { const made = document.createElement('iframe'); made.sandbox = 'allow-scripts allow-forms';"
        " made.srcdoc = '<body></body>'; document.body.append(made); }"
    )
    boxed = page.wait_for_selector("iframe").content_frame()
    assert boxed
    boxed.wait_for_load_state()
    return boxed


def data_address(page: Page, _own: int, _target: int) -> Frame:
    """A page that is its own address; its origin is null."""
    page.goto("data:text/html,<!doctype html><title>hostile</title><body></body>")
    return page.main_frame


def rebound_name(page: Page, _own: int, target: int) -> Frame:
    """The endpoint's very own origin, by a name of the attacker's: nothing the page asks is cross-origin to it.

    The page itself was served by the attacker, before the name led to the loopback.
    """
    address = f"http://evil.example:{target}/"
    page.route(address, lambda route: route.fulfill(content_type="text/html", body="<!doctype html><body></body>"))
    page.goto(address)
    page.unroute(address)
    return page.main_frame


ORIGINS: dict[str, Callable[[Page, int, int], Frame]] = {
    "http://127.0.0.1:other": other_port,
    "http://localhost:other": other_name,
    "null (sandbox)": sandboxed,
    "null (data:)": data_address,
    "http://evil.example:same": rebound_name,
}


def attack(page: Page, frame: Frame, base: str, token: str) -> list[Row]:
    """Everything at once: what the page saw of each attempt, what it read, and the status that the browser got."""
    asked: dict[str, str] = {}
    answered: dict[str, str] = {}
    try:
        session = page.context.new_cdp_session(frame)
    except Error:  # only a frame in a process of its own has one
        session = page.context.new_cdp_session(page)
    session.on("Network.requestWillBeSent", lambda told: asked.update({told["requestId"]: told["request"]["url"]}))
    session.on("Network.webSocketCreated", lambda told: asked.update({told["requestId"]: told["url"]}))
    session.on(
        "Network.responseReceivedExtraInfo", lambda told: answered.update({told["requestId"]: str(told["statusCode"])})
    )
    session.send("Network.enable")
    rows: list[Row] = frame.evaluate(SCRIPT, {"base": base, "token": token, "waitMs": WAIT_MS})
    statuses: dict[str, str] = {}

    def all_told() -> bool:  # by the browser's network, whose word may come after the page's
        page.wait_for_timeout(10)
        statuses.update({_attempt(asked.get(number, "")): status for number, status in answered.items()})
        return statuses.keys() >= {row["name"] for row in rows if "WebSocket" not in row["name"]}

    wait_until(all_told, "the browser has every status")
    session.detach()
    return [{**row, "status": statuses.get(row["name"], "")} for row in rows]


def _attempt(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("attempt", [""])[0]


def robbers(browser: Browser | BrowserContext, own: int, target: int, token: str) -> Iterator[tuple[str, list[Row]]]:
    """From each origin in turn, what became of every attempt."""
    page = browser.new_page()
    for origin, enter in ORIGINS.items():
        frame = enter(page, own, target)
        name = "evil.example" if "evil.example" in origin else "127.0.0.1"
        yield origin, attack(page, frame, f"http://{name}:{target}", token)
    page.close()


def test_a_careless_endpoint_is_robbed(browser: Browser, careless: Careless) -> None:
    """The page can do what it says: where nobody checks, it reads secrets and its commands are obeyed."""
    with careless_server() as endpoint:
        for origin, rows in robbers(browser, careless.server_port, endpoint.server_port, "any"):
            read = {row["name"] for row in rows if SECRET in row["text"]}
            commands = {row["name"] for row in rows if "WebSocket" not in row["name"]} - endpoint.told
            assert read >= READS, origin
            assert endpoint.obeyed.keys() == commands, origin
            assert len(commands) == COMMANDS, origin
            endpoint.obeyed.clear()
            endpoint.told.clear()


def test_a_hostile_page_gets_nothing_and_changes_nothing(browser: Browser, market: Trading, careless: Careless) -> None:
    """From no origin is anything of the engine readable, is a command obeyed, or is the session another afterwards."""
    address = market.engine.address
    unchanged(market, dict(robbers(browser, careless.server_port, address.port, address.token)))


def test_nor_does_it_from_a_browser_that_is_logged_in_at_the_page(
    browser: Browser, project: Path, market: Trading, careless: Careless
) -> None:
    """The page without Jupyter lets browsers in; its cookie goes to every port of this host, and opens nothing."""
    with served_page(project, market.port) as served:
        context = browser.new_context()
        Screen(context.new_page()).log_in(served)
        assert context.cookies()
        port = int(served.url.rstrip("/").rpartition(":")[2])
        unchanged(market, dict(robbers(context, careless.server_port, port, served.token)))
        context.close()


def unchanged(market: Trading, found: dict[str, list[Row]]) -> None:
    """Print what was found from each origin; nothing was read, and the session is as it was when it was opened."""
    print()  # noqa: T201
    print(f"{'attempt':32}", *(f"{origin:26}" for origin in found))  # noqa: T201
    for tried in zip(*found.values(), strict=True):
        print(f"{tried[0]['name']:32}", *(f"{row['status'] or '-':4}{row['saw']:22}" for row in tried))  # noqa: T201
    for origin, rows in found.items():
        for row in rows:
            assert row["text"] in REFUSALS, (origin, row)
            assert row["status"] in {"401", "403"} or "WebSocket" in row["name"], (origin, row)
            assert row["saw"] in {"401", "403", "TypeError", "opaque", "error", "load", "sent", "not sent"}, (
                origin,
                row,
            )
    after = market.client.status()
    assert (str(after.state), after.started) == ("paused", False)
    assert (market.client.thresholds().changes, after.positions, market.folder.killed) == ({}, (), "")
    assert query(market.run_dir / "journal.db", "SELECT * FROM commands") == []
