"""The page without Jupyter in a real browser: how soon it is there and follows, what viewers cost the engine."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright

from momentum_kit.runtime.bench import Row
from tests.browser.browser_lab import Trading, start_chromium, trading, wait_until
from tests.browser.served_page import DESK, Screen, ServedPage, served_page

LOADS = 9
CHANGES = 30
VIEWERS = 20
CPU_S = 15.0


def page_rows(project: Path) -> Iterator[Row]:
    """Rows as `momentum-kit bench` prints them."""
    with (
        trading(project, rate=1) as market,
        served_page(project, market.port) as served,
        sync_playwright() as playwright,
    ):
        market.client.start()
        browser = start_chromium(playwright)
        page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]
        Screen(page).log_in(served)
        loads = [_load_s(page, served) for _ in range(LOADS)]
        yield Row(f"page from its address to its lights, slowest of {LOADS}", max(loads), "s", goal=1.0, least=False)
        changes = [_change_ms(page, market, number) for number in range(CHANGES)]
        yield Row("command sent to shown on the page, p50", float(np.percentile(changes, 50)), "ms")
        yield Row(
            "command sent to shown on the page, p95", float(np.percentile(changes, 95)), "ms", goal=300, least=False
        )
        page.close()
        alone = _engine_share(market)
        with _viewers(served):
            watched = _engine_share(market)
            server = _share(served.process.pid)
        yield Row(
            f"engine, what {VIEWERS} viewers add, share of a core", 100 * (watched - alone), "%", goal=2.0, least=False
        )
        yield Row(f"page's own process with {VIEWERS} viewers, share of a core", 100 * server, "%")
        browser.close()


def _load_s(page: Page, served: ServedPage) -> float:
    page.goto("about:blank")
    started = time.perf_counter()
    page.goto(served.url)
    page.wait_for_selector("#part-head .mk-light")
    return time.perf_counter() - started


def _change_ms(page: Page, market: Trading, number: int) -> float:
    """From the call of a pause or a resume to the frame in which the browser has it."""
    name, shown = ("resume", "running") if number % 2 else ("pause", "paused")
    started = time.perf_counter()
    market.client.command(name, "bench")
    page.wait_for_function(
        "shown => document.querySelector('#part-head .mk-state').textContent.includes(shown)", arg=shown, polling="raf"
    )
    return (time.perf_counter() - started) * 1e3


def _engine_share(market: Trading) -> float:
    return _share(market.engine.address.pid)


def _share(pid: int) -> float:
    """Of a core, over CPU_S of the wall."""
    process, started = psutil.Process(pid), time.perf_counter()
    before = sum(process.cpu_times()[:2])
    time.sleep(CPU_S)
    return float(sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - started)


@contextmanager
def _viewers(served: ServedPage) -> Iterator[None]:
    """So many that read all they are told, each logged in by itself."""
    watching, over = list[bool](), threading.Event()

    async def watch() -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.post(f"{served.url}login", json={"token": served.token}) as entered:
                headers = {"X-Momentum-Kit-Key": (await entered.json())["key"]}
            async with session.get(f"{served.url}events", headers=headers) as stream:
                watching.append(True)
                while not over.is_set():
                    await stream.content.readany()

    async def watch_all() -> None:
        await asyncio.gather(*(watch() for _ in range(VIEWERS)))

    thread = threading.Thread(target=lambda: asyncio.run(watch_all()))
    thread.start()
    try:
        wait_until(lambda: len(watching) == VIEWERS, "all of them watch")
        yield
    finally:
        over.set()
        thread.join()
