import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.config import Config, Thresholds, load_config
from momentum_kit.models.session import PositionView, TradingState
from momentum_kit.notebook.live_view import EngineContact, kill_words
from momentum_kit.notebook.panel import Panel, click_age, open_panel
from momentum_kit.notebook.panel.panel import LOCKED
from momentum_kit.runtime.control import StreamEvent, ThresholdState, encode_status, refusal
from momentum_kit.runtime.engine import FINAL_STATUS
from momentum_kit.runtime.ownership import StateFolder, heartbeat_of
from tests.helpers.told_endpoint import AT, ToldEndpoint, snapshot

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
async def panel(endpoint: ToldEndpoint, config: Config) -> AsyncIterator[Panel]:
    """A panel that shows it."""
    opened = Panel(config)
    await until(lambda: not opened.threshold_sliders.sliders["min_z_tod"].disabled)
    yield opened
    await asyncio.to_thread(opened.close)


async def until(condition: Callable[[], Any]) -> Any:
    """The first true value; other tasks go on meanwhile."""
    async with asyncio.timeout(60):
        while not (value := condition()):  # noqa: ASYNC110  (a widget has no event to wait for)
            await asyncio.sleep(0.01)
        return value


def head(panel: Panel) -> str:
    """What stands at the top."""
    return str(panel.views["head"].value)


async def test_a_click_is_a_command_and_its_outcome_is_told(panel: Panel, endpoint: ToldEndpoint) -> None:
    """The click waits for nobody, its button is closed while it is under way, and the engine's answer is shown."""
    endpoint.answer_after.clear()
    pause = panel.controls.buttons["pause"]
    pause.click()
    await until(lambda: endpoint.commands == ["pause"])
    pause.click()
    await until(lambda: pause.disabled and "waiting for the engine" in head(panel))
    endpoint.answer_after.set()
    await until(lambda: "pause done" in head(panel))
    assert endpoint.commands == ["pause"], "a second click while the first is under way is not sent"
    await until(lambda: not panel.controls.buttons["resume"].disabled)
    panel.controls.buttons["resume"].click()
    await until(lambda: "resume FAILED: the session is killed" in head(panel))


async def test_events_and_snapshots_fill_the_tables(panel: Panel, endpoint: ToldEndpoint) -> None:
    """A headline that is told appears with its verdict, escaped; a position with its R."""
    row = {"at": AT, "story_id": "s", "article_id": "a", "text": "<script>x</script>", "outcome": "skip",
           "reason": "no ticker", "symbols": []}  # fmt: skip
    endpoint.hub.publish("headlines", row)
    held = PositionView(
        symbol="ABCD",
        con_id=1,
        quantity=300,
        average_price=5.0,
        last_price=5.2,
        unrealised_usd=60.0,
        stop_price=4.9,
        r=0.6,
        opened_at=AT,
    )
    endpoint.status = replace(endpoint.status, positions=(held,))
    await until(lambda: "no ticker" in panel.views["headlines"].value)
    assert "<script>" not in panel.views["headlines"].value
    await until(lambda: "+0.60" in panel.views["positions"].value)


async def test_sliders_apply_as_one_change_and_follow_what_others_change(panel: Panel, endpoint: ToldEndpoint) -> None:
    """Two moved limits are one command; another panel's change moves the untouched sliders, never the touched."""
    sliders = panel.threshold_sliders.sliders
    sliders["min_z_tod"].value, sliders["min_ret_60s"].value = 6.0, 4.5
    await until(lambda: not panel.threshold_sliders.apply.disabled)
    endpoint.tuning = endpoint.tuning.applied({"max_spread_bps": 55.0, "min_z_tod": 5.0})
    endpoint.status = replace(endpoint.status, thresholds_hash=endpoint.tuning.hash)
    await until(lambda: sliders["max_spread_bps"].value == 55.0)
    assert sliders["min_z_tod"].value == 6.0
    panel.threshold_sliders.apply.click()
    (said,) = await until(lambda: endpoint.commands)
    assert "min_ret_60s 0.03 -> 0.045" in said
    assert "min_z_tod 5.0 -> 6.0" in said
    assert "spread" not in said
    # under way a click is not sent a second time, and what was in force before is not what is to be taken back
    await until(lambda: not (panel.commands.busy or panel.threshold_sliders.moved()))
    panel.threshold_sliders.revert.click()
    await until(lambda: sliders["min_z_tod"].value == 4.4)
    assert not endpoint.tuning.changes


async def test_a_kill_needs_both_steps_and_the_second_closes_again(
    panel: Panel, endpoint: ToldEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unarmed or too late it does nothing; armed it says what it will do, and does it."""
    controls = panel.controls
    monkeypatch.setattr("momentum_kit.notebook.panel.controls.ARMED_S", 60.0)
    controls.confirm.click()
    controls.kill.click()
    assert not controls.confirm.disabled
    monkeypatch.setattr("momentum_kit.notebook.panel.controls.ARMED_S", -2.0)
    controls.kill.click()
    await until(lambda: controls.confirm.disabled)
    controls.confirm.click()
    assert endpoint.commands == []
    monkeypatch.setattr("momentum_kit.notebook.panel.controls.ARMED_S", 60.0)
    controls.kill.click()
    controls.confirm.click()
    await until(lambda: endpoint.commands == ["kill"])
    held = PositionView(
        symbol="ABCD",
        con_id=1,
        quantity=300,
        average_price=5.0,
        last_price=5.2,
        unrealised_usd=60.0,
        stop_price=4.9,
        r=0.6,
        opened_at=AT,
    )
    config = load_config(ROOT / "config" / "demo.yaml", {"broker.port": 4999})
    words = kill_words(replace(endpoint.status, positions=(held,)), True, config, 5.0)
    assert "closes 300 ABCD" in words
    assert f"momentum-kit clear --config {ROOT}/config/demo.yaml --port 4999." in words
    assert "LATCHES" in kill_words(endpoint.status, False, config, 5.0)


async def test_the_second_step_of_a_kill_is_closed_by_no_painting_from_before_it_opened(
    panel: Panel, endpoint: ToldEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The panel's thread had begun to paint when the click came: it ends with the second step open."""
    begun, free, seen = threading.Event(), threading.Event(), list[bool]()

    def held(*state: Any) -> str:
        if threading.current_thread().name == "panel":
            begun.set()
            free.wait(60)
        return refusal(*state)

    controls = panel.controls
    monkeypatch.setattr("momentum_kit.notebook.panel.controls.ARMED_S", 60.0)
    monkeypatch.setattr("momentum_kit.notebook.live_view.commands.refusal", held)
    controls.confirm.observe(lambda change: seen.append(change["new"]), "disabled")
    assert await asyncio.to_thread(begun.wait, 60)
    clicking = asyncio.create_task(asyncio.to_thread(controls.kill.click))
    await asyncio.wait([clicking], timeout=0.5)
    painted = head(panel)
    free.set()
    await clicking
    await until(lambda: head(panel) != painted)
    assert seen == [False]


async def test_what_adds_risk_is_not_obeyed_late(
    panel: Panel, endpoint: ToldEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A click that waited for a computing cell: a pause is obeyed, a resume and thresholds are refused in words."""
    await until(lambda: "gateway up" in head(panel))
    endpoint.status = replace(endpoint.status, state=TradingState.REDUCE_ONLY)
    monkeypatch.setattr("momentum_kit.notebook.panel.panel.clicked_ago_s", lambda: 60.0)
    panel.commands.command("resume")
    await until(lambda: "resume FAILED: this click came 60 s late" in head(panel))
    panel.commands.tune({"min_z_tod": 1.0})
    await until(lambda: "thresholds FAILED: this click" in head(panel))
    panel.commands.command("pause")
    await until(lambda: endpoint.commands == ["pause"])


async def test_a_panel_never_commands_an_engine_that_it_does_not_show(panel: Panel, endpoint: ToldEndpoint) -> None:
    """Where another engine has taken the account meanwhile, a click is refused until that one is shown."""
    endpoint.publish(endpoint.port, pid=1)
    panel.commands.command("flatten")
    await until(lambda: "another engine has taken this account" in head(panel))
    assert endpoint.commands == []


async def test_two_panels_show_and_command_the_same_session(
    panel: Panel, endpoint: ToldEndpoint, config: Config
) -> None:
    """What one commands the other shows; closing one leaves the other alone, and a cell run again opens no third."""
    other = open_panel(config)
    assert open_panel(config) is other
    await until(lambda: "gateway up" in head(other))
    other.controls.buttons["pause"].click()
    await until(lambda: "paused" in head(panel) and "paused" in head(other))
    await asyncio.to_thread(other.close)
    endpoint.status = replace(endpoint.status, state=TradingState.KILLED)
    await until(lambda: "KILLED" in head(panel))
    assert "KILLED" not in head(other)
    assert open_panel(config) is not other
    await asyncio.to_thread(open_panel(config).close)


async def test_without_an_engine_it_says_what_the_last_one_left(config: Config, tmp_path: Path) -> None:
    """No engine, then none with a last word, then a kill that latches: all in words, and only the kill is open."""
    opened = Panel(config)
    try:
        await until(lambda: "NO ENGINE RUNS" in head(opened))
        assert all(button.disabled for button in opened.controls.buttons.values())
        assert opened.threshold_sliders.apply.disabled
        opened.controls.ack.click()
        await until(lambda: "ack: acknowledged" in head(opened))
        opened.controls.kill.click()
        opened.controls.confirm.click()
        await until(lambda: "the account is latched" in head(opened))
        assert StateFolder(config.owner_key).killed
    finally:
        await asyncio.to_thread(opened.close)


def test_the_final_snapshot_is_shown_once_the_engine_has_ended(config: Config, tmp_path: Path) -> None:
    """What an engine wrote last is newer than what it sent last; its heartbeat says how it ended."""
    folder = StateFolder(config.owner_key)
    folder.create()
    contact = EngineContact(folder)
    final = replace(snapshot(tmp_path), state=TradingState.STOPPED, reason="schedule", realised_usd=321.0)
    contact.take(StreamEvent(kind="connected", content={"pid": 1, "run_dir": str(tmp_path), "new": True}))
    contact.take(StreamEvent(kind="status", content={}, status=snapshot(tmp_path)))
    assert contact.words() == ""
    (tmp_path / FINAL_STATUS).write_text(encode_status(final))
    folder.leave_heartbeat(heartbeat_of(final, ended=True))
    contact.take(StreamEvent(kind="disconnected", content={"reason": "the session is over"}))
    assert "ended in order" in contact.words()
    assert contact.status == final
    (tmp_path / FINAL_STATUS).write_text("{")
    contact.take(StreamEvent(kind="ended", content={}))
    assert "cannot be read" in contact.words()


async def test_where_only_research_may_change_thresholds_the_sliders_say_so(config: Config) -> None:
    """Live: the limits are shown, and nothing can be moved."""
    locked = config.model_copy(
        update={"detection": config.detection.model_copy(update={"thresholds_must_be_exported": True})}
    )
    opened = Panel(locked)
    opened.threshold_sliders.follow(ThresholdState(Thresholds(), Thresholds()))
    await until(lambda: LOCKED in panel_text(opened))
    assert all(slider.disabled for slider in opened.threshold_sliders.sliders.values())
    await asyncio.to_thread(opened.close)


def panel_text(panel: Panel) -> str:
    """What stands below the sliders."""
    return str(panel.threshold_sliders.total.value)


@pytest.mark.parametrize(
    ("sent", "late"),
    [
        (lambda: datetime.now(UTC) - timedelta(seconds=30), True),
        (lambda: (datetime.now(UTC) - timedelta(seconds=30)).isoformat(), True),
        (lambda: datetime.now(UTC) + timedelta(seconds=30), False),
        (lambda: "nonsense", False),
        (lambda: None, False),
    ],
    ids=["old", "old text", "ahead", "nonsense", "none"],
)
def test_a_click_s_age_is_read_from_its_message(
    sent: Callable[[], object], late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the header that the browser wrote; unknown is not late."""

    class Shell:
        class kernel:  # noqa: N801
            @staticmethod
            def get_parent() -> dict[str, Any]:
                return {"header": {"date": sent()}}

    monkeypatch.setattr("IPython.core.getipython.get_ipython", Shell)
    assert (click_age.clicked_ago_s() > 20) == late
