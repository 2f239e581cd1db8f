"""The panel in JupyterLab as people use it: every control, both themes, a narrow page, and everything that breaks."""

import os
import signal

import pytest
from playwright.sync_api import expect

from momentum_kit.runtime.control import kill_engine
from momentum_kit.storage.journal import query
from tests.browser.browser_lab import Notebook, Trading, panel_cells, wait_until

SLOW = pytest.mark.parametrize("market", [20.0], indirect=True, ids=["slow"])
FAST = pytest.mark.parametrize("market", [300.0], indirect=True, ids=["fast"])
pytestmark = pytest.mark.timeout(180)


def show(notebook: Notebook, market: Trading) -> None:
    """The notebook's panel shows this session."""
    notebook.replace(panel_cells(market.port))
    notebook.run_all()
    notebook.says("mk-head", "simulation")
    notebook.says("mk-head", "gateway up")


@SLOW
def test_every_control_does_what_it_says(notebook: Notebook, market: Trading) -> None:
    """Each button, by mouse and by keyboard; a slider, applied and taken back; each one a row of the journal."""
    show(notebook, market)
    notebook.says("mk-state", "not started")
    expect(notebook.part("mk-resume")).to_be_disabled()
    notebook.shoot("idle", "Dark", "Light")
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
    handle = notebook.part("mk-slider-min-z-tod").locator(".noUi-handle")
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
    expected = ["pause", "resume", "reduce_only", "resume", "thresholds", "thresholds", "flatten"]
    asked = "SELECT command FROM commands WHERE source = 'panel'"
    given: list[tuple[str]] = []

    def written() -> bool:  # rows wait for the next batch
        given[:] = query(market.run_dir / "journal.db", asked)
        return len(given) >= len(expected)

    wait_until(written, "the journal has every command")
    assert [row[0] for row in given] == expected


@FAST
def test_a_session_is_seen_and_killed_in_two_steps(notebook: Notebook, market: Trading) -> None:
    """Tables fill while it trades, both themes and a narrow page hold it; a kill says what it does and needs both."""
    show(notebook, market)
    market.client.start()
    wait_until(lambda: market.client.status().positions, "something is held")
    market.client.command("flatten", "test")
    wait_until(lambda: market.state == "reduce_only", "a round trip")
    market.client.command("resume", "test")
    wait_until(lambda: market.client.status().positions, "something else is held")
    with market.held():
        notebook.says("mk-positions", "(1)")
        notebook.says("mk-signals", "shares")
        notebook.says("mk-orders", "Filled")
        notebook.says("mk-headlines", "no signal")
        notebook.shoot("trading", "Light", "Dark")
        notebook.page.set_viewport_size({"width": 768, "height": 3200})
        notebook.shoot("trading_narrow", "Dark")
        notebook.page.set_viewport_size({"width": 1692, "height": 2400})
        notebook.shoot("trading_wide", "Light")
        notebook.page.set_viewport_size({"width": 1280, "height": 2400})
    confirm = notebook.part("mk-kill")
    expect(confirm).to_be_disabled()
    notebook.part("mk-kill-ask").click()
    expect(confirm).to_be_enabled()
    notebook.says("mk-controls", "until a human types the phrase")
    notebook.shoot("kill_armed", "Light")

    def take_second_step() -> bool:
        notebook.part("mk-kill-ask").evaluate("button => button.click()")  # a picture may outlast the second step
        return not confirm.evaluate("button => button.disabled || button.click()")

    wait_until(take_second_step, "the second step is taken")
    wait_until(lambda: not market.folder.owned, "the engine has ended")
    notebook.says("mk-head", "NO ENGINE RUNS")
    notebook.says("mk-head", "latched")
    notebook.says("mk-state", "killed")
    expect(notebook.part("mk-resume")).to_be_disabled()
    notebook.shoot("killed", "Light", "Dark")
    assert market.folder.killed.startswith("by panel")


def test_a_session_outlives_its_kernel_and_is_killed_while_one_computes(notebook: Notebook, market: Trading) -> None:
    """After a restart the old panel calls itself old and a new one knows the past; a kill reaches past a busy cell."""
    show(notebook, market)
    market.client.start()
    notebook.says("mk-orders", "Filled")
    before = market.client.status().counts["headlines"]
    notebook.restart_kernel()
    notebook.hasten()
    expect(notebook.part("mk-stale")).to_be_visible()
    assert market.state == "running"
    notebook.shoot("stale", "Light")
    notebook.run_all()
    notebook.says("mk-orders", "Filled")
    expect(notebook.part("mk-stale")).to_be_hidden()
    assert market.client.status().counts["headlines"] >= before
    notebook.part("mk-pause").click()
    wait_until(lambda: market.state == "paused", "the new panel commands")
    notebook.run_in_kernel("import time; time.sleep(150)")
    wait_until(lambda: notebook.busy, "the kernel is busy")
    kill_engine(market.folder, "command line")
    notebook.says("mk-head", "killed")
    assert notebook.busy, "the cell still computes"


@FAST
def test_a_gateway_that_is_gone_and_an_engine_that_hangs_or_dies_are_told(notebook: Notebook, market: Trading) -> None:
    """Each in words and lights: what is lost, since when, and that a dead engine left no last word."""
    show(notebook, market)
    market.client.start()
    wait_until(lambda: market.client.status().positions, "something is held")
    try:
        market.gateway.kill()
        notebook.says("mk-head", "gateway down")
        notebook.says("mk-positions", "(1)")
        notebook.shoot("disconnected", "Light", "Dark")
        os.kill(market.engine.address.pid, signal.SIGSTOP)
        notebook.says("mk-head", "NO CONNECTION")
        notebook.says("mk-head", "it hangs")
        notebook.says("mk-state", "no contact")
        expect(notebook.part("mk-pause")).to_be_disabled()
        notebook.shoot("hanging", "Dark", "Light")
    finally:
        os.kill(market.engine.address.pid, signal.SIGKILL)
    notebook.says("mk-head", "ended without a last word")
