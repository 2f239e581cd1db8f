"""What a cockpit uses of a real engine: thresholds, stop-file, event stream, metrics, alerts."""

import asyncio
import http.client
import os
import queue
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from momentum_kit.errors import GuardRefused, InputError
from momentum_kit.models.session import TradingState
from momentum_kit.notebook.kit.kit import Kit
from momentum_kit.runtime.control import ControlClient, StreamEvent
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.storage.journal import query
from tests.chaos.chaos_gateway import Gateway, Proxy
from tests.chaos.chaos_processes import PATIENCE_S, command_line, configure, wait_status, wait_until

QUICK = {"clock": {"rate": 200}}


async def test_thresholds_change_as_one_journalled_set(project: Path, gateway: Gateway) -> None:
    """A set is applied as a whole or not at all, judged by from the next decision on, journalled once, reverted."""
    kit = await Kit.open(configure(project, gateway.port, **QUICK))
    file = kit.thresholds()
    assert (file.changes, kit.status().thresholds_hash) == ({}, file.hash)
    with pytest.raises(InputError, match="max_spread"):
        await kit.set_thresholds(min_trades_60s=40, max_spread=3)
    assert kit.thresholds().changes == {}
    outcome = await kit.set_thresholds(min_z_tod=1000.0, min_trades_60s=31)
    assert "min_z_tod 4.4 -> 1000.0" in outcome
    assert set(kit.thresholds().changes) == {"min_z_tod", "min_trades_60s"}
    assert kit.status().thresholds_changed
    await kit.start()
    client = client_of_kit(kit)
    wait_status(client, lambda status: status.counts.get("decisions", 0) > 10, "decisions")
    await kit.revert_thresholds()
    assert not kit.status().thresholds_changed
    wait_status(client, lambda status: status.counts.get("signals", 0), "a signal by the file's thresholds")
    await kit.stop()
    with pytest.raises(GuardRefused, match="ended in order"):
        await asyncio.to_thread(refused_after_the_end, kit)
    rows = query(kit.run_dir / "journal.db", "SELECT outcome FROM commands WHERE command = 'thresholds' ORDER BY id")
    assert len(rows) == 2
    judged = query(kit.run_dir / "journal.db", "SELECT rules FROM decisions WHERE rules LIKE '%1000%' LIMIT 1")
    assert judged, "decisions were made by the changed set"


def refused_after_the_end(kit: Kit) -> None:
    """An ended engine has no endpoint any more; what the command line says is a refusal."""
    answer = command_line("pause", "--config", str(kit_config(kit)))
    assert answer.returncode == GuardRefused.exit_status
    assert "the last one" in answer.stderr
    assert "ended in order" in answer.stderr
    raise GuardRefused(answer.stderr)


async def test_a_panel_sees_everything_until_a_stop_file_ends_it(project: Path, gateway: Gateway) -> None:
    """Snapshots, headlines, decisions, orders, fills, log lines; /metrics; a file commands anything but a resume."""
    kit = await Kit.open(configure(project, gateway.port, **QUICK))
    seen: queue.Queue[StreamEvent] = queue.Queue()
    wanted = {"status", "headlines", "decisions", "orders", "executions", "commands", "log"}
    with kit.events(seen.put):
        await kit.start()
        await kit.pause()
        await kit.resume()
        kinds: set[str] = set()
        while wanted - kinds:
            event = await asyncio.to_thread(seen.get, True, PATIENCE_S)
            kinds.add(event.kind)
            assert event.kind != "lost"
        text = scrape(kit)
        client, folder = client_of_kit(kit), StateFolder(kit.config.owner_key)
        (folder.path / "stop").write_text("reduce-only\n")
        status = wait_status(client, lambda status: status.state is TradingState.REDUCE_ONLY, "reduce-only by file")
        assert status.reason == "reduce_only by stop-file"
        (folder.path / "stop").write_text("resume")
        final = await kit.wait()
        assert (final.state, final.reason, final.positions) == (TradingState.STOPPED, "stop by stop-file", ())
        assert any("says 'resume'" in incident for incident in final.incidents)
        while event.kind != "ended":
            event = await asyncio.to_thread(seen.get, True, PATIENCE_S)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    states = {sample.labels["state"]: sample.value for sample in families["momentum_kit_state"].samples}
    assert states["running"] == 1.0
    stages = {sample.labels.get("stage") for sample in families["momentum_kit_stage_seconds"].samples}
    assert {"parse", "features", "rules", "decide_to_sent"} <= stages


def scrape(kit: Kit) -> str:
    """What Prometheus would read, with the token in its bearer file."""
    address = client_of_kit(kit).address
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {address.token}"})
        response = connection.getresponse()
        assert response.status == 200
        assert "version=" in (response.getheader("Content-Type") or "")
        return response.read().decode()
    finally:
        connection.close()


@pytest.mark.filterwarnings("ignore:.*is deprecated and slated for removal:DeprecationWarning")  # Apprise's plugins
async def test_a_human_is_told_of_a_death_an_outage_and_a_kill(
    project: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its watchdog tells of an engine's violent death; it tells itself of a long outage, and of the kill."""
    received: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        received.append(await request.json())
        return web.Response()

    application = web.Application()
    application.add_routes([web.post("/", take)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", f"json://127.0.0.1:{runner.addresses[0][1]}/")
    try:
        # so slow that no story comes before the test is through: nothing is held
        config = configure(
            project, proxy.port, clock={"rate": 1}, alerts={"reconnect_alarm_s": 0.3, "digest_every_s": 0.1}
        )
        tested = await asyncio.to_thread(command_line, "alerts", "test", "--config", str(config))
        assert (tested.returncode, tested.stdout) == (0, "1 (JSON): delivered\n")
        kit = await Kit.open(config)
        os.kill(kit.status().pid, signal.SIGKILL)
        await told(received, "died without a last word")
        kit = await Kit.open(config)
        await kit.start()
        proxy.cut()
        await told(received, "no gateway for 0.3 s; nothing is held")
        proxy.mend()
        await told(received, "reconnected and reconciled")
        await kit.kill()
        await kit.wait()
        await told(received, "killed by kit")
    finally:
        await runner.cleanup()


async def told(received: list[dict[str, Any]], words: str) -> None:
    """Wait until a notification with these words has come."""
    await asyncio.to_thread(
        wait_until, lambda: any(words in each["message"] for each in received), words, lambda: received
    )


def client_of_kit(kit: Kit) -> ControlClient:
    """The engine's endpoint."""
    address = StateFolder(kit.config.owner_key).address()
    assert address
    return ControlClient(address)


def kit_config(kit: Kit) -> Path:
    """The file that the kit was opened with."""
    return kit.run_dir.parent.parent / "config" / "chaos.yaml"
