import os
import signal
import time
from collections.abc import Callable

import pytest
from browser_lab import Notebook, Trading, panel_cells, wait_until
from playwright.sync_api import expect

from momentum_kit.runtime import control_kill
from momentum_kit.storage.query import query

Opened = Callable[..., Notebook]

pytestmark = pytest.mark.timeout(180)


def shown(open_notebook: Opened, market: Trading, width: int = 1280) -> Notebook:
    """A notebook whose panel shows a session."""
    notebook = open_notebook(panel_cells(market.port), width)
    notebook.run_all()
    notebook.says("mk-head", "simulation")
    notebook.says("mk-head", "gateway up")
    return notebook


def test_every_control_does_what_it_says(open_notebook: Opened, market: Trading) -> None:
    """Each button, by mouse and by keyboard; a slider, applied and taken back; each one a row of the journal."""
    notebook = shown(open_notebook, market)
    notebook.shoot("idle_light")
    market.client.start()
    notebook.says("mk-head", "running")
    for css, state in (("mk-pause", "paused"), ("mk-resume", "running"), ("mk-reduce-only", "reduce_only")):
        notebook.part(css).click()
        wait_until(lambda state=state: market.state == state, state)
        notebook.says("mk-state", state.replace("_", " "))
    resume = notebook.part("mk-resume")
    expect(resume).to_be_enabled()
    notebook.part("mk-pause").focus()
    notebook.page.keyboard.press("Tab")
    expect(resume).to_be_focused()
    notebook.page.keyboard.press("Enter")
    wait_until(lambda: market.state == "running", "resumed by keyboard")
    handle = notebook.part("mk-dial-min-z-tod").locator(".noUi-handle")
    handle.focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.says("mk-panel-thresholds", "Not applied yet")
    assert not market.client.thresholds().changes
    notebook.part("mk-apply").click()
    assert wait_until(lambda: market.client.thresholds().changes, "applied") == {"min_z_tod": (4.4, 4.45)}
    notebook.says("mk-panel-thresholds", "changed by hand")
    notebook.part("mk-revert").click()
    wait_until(lambda: not market.client.thresholds().changes, "reverted")
    notebook.part("mk-flatten").click()
    wait_until(lambda: market.state == "reduce_only", "flat, entries stay off")
    given = [
        row[0] for row in query(market.run_dir / "journal.db", "SELECT command FROM commands WHERE source = 'panel'")
    ]
    assert given == ["pause", "resume", "reduce_only", "resume", "thresholds", "thresholds", "flatten"]


def test_a_session_is_seen_and_killed_in_two_steps(open_notebook: Opened, market: Trading) -> None:
    """Tables fill while it trades, both themes and a narrow page hold it; a kill says what it does and needs both."""
    notebook = shown(open_notebook, market)
    market.client.start()
    notebook.says("mk-signals", "shares")
    notebook.says("mk-orders", "Filled")
    notebook.says("mk-headlines", "no signal")
    notebook.shoot("trading_light")
    notebook.theme("Dark")
    notebook.shoot("trading_dark")
    notebook.page.set_viewport_size({"width": 768, "height": 2400})
    notebook.shoot("narrow_dark")
    wide = (
        "() => { const p = [...document.querySelectorAll('.mk-panel')].pop(); return p.scrollWidth - p.clientWidth; }"
    )
    assert notebook.page.evaluate(wide) <= 1, "no sideways scrolling at 768 px"
    notebook.page.set_viewport_size({"width": 1280, "height": 2400})
    confirm = notebook.part("mk-kill")
    expect(confirm).to_be_disabled()
    notebook.part("mk-kill-ask").click()
    expect(confirm).to_be_enabled()
    notebook.says("mk-controls", "until a human types the phrase")
    notebook.shoot("kill_armed_dark")
    confirm.click()
    wait_until(lambda: not market.folder.owned, "the engine has ended")
    notebook.says("mk-head", "NO ENGINE RUNS")
    notebook.says("mk-head", "latched")
    expect(notebook.part("mk-resume")).to_be_disabled()
    notebook.shoot("killed_dark")
    notebook.theme("Light")
    notebook.shoot("killed_light")
    assert market.folder.killed.startswith("by panel")


def test_a_kill_reaches_a_session_whose_kernel_computes(open_notebook: Opened, market: Trading) -> None:
    """While a cell holds the kernel, the endpoint kills within 300 ms, and the panel goes on and shows it."""
    notebook = shown(open_notebook, market)
    market.client.start()
    notebook.says("mk-head", "running")
    notebook.run_in_kernel("import time; time.sleep(6)")
    wait_until(lambda: notebook.busy, "the kernel is busy")
    started = time.perf_counter()
    control_kill.kill(market.folder, "command line")
    took_s = time.perf_counter() - started
    notebook.says("mk-head", "killed", 4)
    assert notebook.busy, "the cell still computes"
    assert took_s < 0.3


def test_a_panel_that_lost_its_kernel_says_so_and_a_new_one_knows_everything(
    open_notebook: Opened, market: Trading
) -> None:
    """After a kernel restart the old panel calls itself old, the session goes on, and a new panel shows its past."""
    notebook = shown(open_notebook, market)
    market.client.start()
    notebook.says("mk-orders", "Filled")
    before = market.client.status().counts["headlines"]
    notebook.restart_kernel()
    expect(notebook.part("mk-stale")).to_be_visible(timeout=15_000)
    assert market.state == "running"
    notebook.shoot("stale_light")
    notebook.run_all()
    notebook.says("mk-orders", "Filled")
    expect(notebook.part("mk-stale")).to_be_hidden()
    assert market.client.status().counts["headlines"] >= before
    notebook.part("mk-pause").click()
    wait_until(lambda: market.state == "paused", "the new panel commands")


def test_an_engine_that_hangs_or_dies_is_told_in_words(open_notebook: Opened, market: Trading) -> None:
    """A stopped engine is said to hang with its last sign of life, a dead one to have left no last word."""
    notebook = shown(open_notebook, market)
    os.kill(market.engine.address.pid, signal.SIGSTOP)
    try:
        notebook.says("mk-head", "NO CONNECTION")
        notebook.says("mk-head", "it hangs")
        expect(notebook.part("mk-pause")).to_be_disabled()
        notebook.shoot("disconnected_light")
        notebook.theme("Dark")
        notebook.shoot("disconnected_dark")
    finally:
        os.kill(market.engine.address.pid, signal.SIGKILL)
    notebook.says("mk-head", "ended without a last word")
