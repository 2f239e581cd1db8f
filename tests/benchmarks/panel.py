"""Panel in JupyterLab, page without it: when seen, when a click arrives, what it costs; `momentum-kit bench panel`."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import expect, sync_playwright

from momentum_kit.errors import InputError
from momentum_kit.models.session import TradingState
from momentum_kit.notebook.kit.kit import Kit
from momentum_kit.runtime.bench import Row
from momentum_kit.runtime.control import kill_engine
from momentum_kit.runtime.sim import gateway_process
from momentum_kit.storage.journal import query
from tests.benchmarks.look_back import look_back_rows
from tests.benchmarks.page import page_rows
from tests.browser.browser_lab import (
    CHROMIUM,
    ROOT,
    Notebook,
    Trading,
    jupyter_lab,
    panel_cells,
    start_chromium,
    trading,
    wait_until,
)

CLICKS = 40
OPENINGS = 7
CPU_S = 10.0
TELL_PID = "import os; open('kernel.pid', 'w').write(str(os.getpid()))"
HEAR = """() => { document.addEventListener('click', event => {
    if (event.target.closest('.mk-pause, .mk-resume')) window.clicked.push(performance.timeOrigin + performance.now());
  }, true); }"""


def measure() -> Iterator[Row]:
    """Rows as `momentum-kit bench` prints them."""
    if not CHROMIUM:
        raise InputError("the panel is measured in a browser: apt-get install chromium")
    with _project() as project:
        yield from _openings(project)
        yield from _panel(project)
        yield from page_rows(project)
        yield from look_back_rows(project / "looked at")


def _openings(project: Path) -> Iterator[Row]:
    """From `Kit.open` to a session that runs, each with an engine process of its own, at a gateway that is up."""
    took_s = []
    with gateway_process(["--port", "0", "--seed", "7", "--lock-step", "1"], project / "gateway.err") as port:
        for _ in range(OPENINGS):
            started = time.perf_counter()
            kit = Kit.open_sync("config/demo.yaml", port=port)
            kit.start_sync()
            wait_until(lambda kit=kit: kit.status().state is TradingState.RUNNING, "it runs")
            took_s.append(time.perf_counter() - started)
            kit.stop_sync()
    yield Row(f"Kit open to running, median of {OPENINGS}", float(np.median(took_s)), "s", goal=3.0, least=False)
    yield Row(f"Kit open to running, slowest of {OPENINGS}", max(took_s), "s", goal=3.0, least=False)


def _panel(project: Path) -> Iterator[Row]:
    with jupyter_lab(project) as lab, sync_playwright() as playwright:
        browser = start_chromium(playwright)
        with trading(project, rate=1) as market:
            page = browser.new_page(viewport={"width": 1280, "height": 2400})
            cells = [panel_cells(market.port)[0], TELL_PID]
            notebook = Notebook(page, lab, project, "bench", cells)
            page.evaluate(HEAR)
            notebook.run_all()
            wait_until((project / "kernel.pid").exists, "the kernel has opened the kit")
            wait_until(lambda: not notebook.busy, "the kernel is idle")
            yield Row("panel visible after its cell", _seconds_to_visible(notebook), "s", goal=2.0, least=False)
            market.client.start()
            notebook.says("mk-state", "running")
            idle = _clicks_ms(notebook, market)
            yield Row("click to command received, idle, p50", idle[0], "ms")
            yield Row("click to command received, idle, p99", idle[1], "ms", goal=150, least=False)
            yield from _cpu(int((project / "kernel.pid").read_text()))
            notebook.run_in_kernel("import asyncio; await asyncio.sleep(120)")
            wait_until(lambda: notebook.busy, "a cell awaits")
            awaiting = _clicks_ms(notebook, market)
            yield Row("click to command received, awaiting cell, p99", awaiting[1], "ms", goal=300, least=False)
            notebook.restart_kernel()
            notebook.run_in_kernel("import time; time.sleep(30)")
            wait_until(lambda: notebook.busy, "a cell blocks")
            yield Row("kill by endpoint while a cell blocks", _kill_ms(market), "ms", goal=300, least=False)
        browser.close()


@contextmanager
def _project() -> Iterator[Path]:
    """A project of its own in the current folder for as long as it is measured."""
    before, state = Path.cwd(), os.environ.get("MOMENTUM_KIT_STATE_DIR")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "config", Path(folder) / "config")
        os.environ["MOMENTUM_KIT_STATE_DIR"] = f"{folder}/state"
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)
            os.environ.pop("MOMENTUM_KIT_STATE_DIR")
            if state is not None:
                os.environ["MOMENTUM_KIT_STATE_DIR"] = state


def _seconds_to_visible(notebook: Notebook) -> float:
    """From the cell's start to the panel that shows four lights; the cell is a new one at the end."""
    run = """() => { const cell = jupyterapp.shell.currentWidget.content.activeCell;
        cell.model.sharedModel.setSource('kit.panel()'); jupyterapp.commands.execute('notebook:run-cell'); }"""
    started = time.perf_counter()
    notebook.page.evaluate(run)
    notebook.part("mk-light").wait_for()
    return time.perf_counter() - started


def _clicks_ms(notebook: Notebook, market: Trading) -> tuple[float, float]:
    """p50 and p99 from the browser's click event to the engine's journal row, over pauses and resumes in turn."""
    notebook.page.evaluate("() => { window.clicked = []; }")
    journal, rows = market.run_dir / "journal.db", "SELECT wall_ns FROM commands WHERE source = 'panel' ORDER BY id"
    known = len(query(journal, rows))
    for number in range(CLICKS):
        button = notebook.part("mk-resume" if number % 2 else "mk-pause")
        expect(button).to_be_enabled()
        button.click()
    received = wait_until(lambda: len(found := query(journal, rows)[known:]) == CLICKS and found, "every command")
    clicked_ms = notebook.page.evaluate("() => window.clicked")
    taken = [wall_ns / 1e6 - at for (wall_ns,), at in zip(received, clicked_ms, strict=True)]
    return float(np.percentile(taken, 50)), float(np.percentile(taken, 99))


def _cpu(kernel: int) -> Iterator[Row]:
    """The kernel's processor time while only the panel is at work, in real time."""
    process = psutil.Process(kernel)
    before, started = sum(process.cpu_times()[:2]), time.perf_counter()
    time.sleep(CPU_S)
    share = (sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - started)
    yield Row("kernel with a panel, share of a core", 100 * share, "%", goal=2.0, least=False)


def _kill_ms(market: Trading) -> float:
    """From the call to the engine's journal row."""
    asked_ns = time.time_ns()
    kill_engine(market.folder, "bench")
    rows = "SELECT wall_ns FROM commands WHERE command = 'kill'"
    ((received_ns,),) = wait_until(lambda: query(market.run_dir / "journal.db", rows), "the kill is on record")
    return (received_ns - asked_ns) / 1e6
