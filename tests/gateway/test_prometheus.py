"""A real Prometheus with the rules of deploy/prometheus at a page: each fires on its fault, and on nothing else."""

import asyncio
import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from momentum_kit.config import Config, load_config
from momentum_kit.models.session import ConnectionHealth, ExitWait, LinkState, PositionView
from momentum_kit.notebook.live_view import EngineContact
from momentum_kit.notebook.page import PageAddress, PageServer, page_token
from momentum_kit.notebook.page.logins import METRICS_FILE
from momentum_kit.notebook.page.page_metrics import page_metrics
from tests.helpers.ports import kept_port
from tests.helpers.told_endpoint import AT, ToldEndpoint, told_endpoint

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = ROOT / "deploy" / "prometheus"
PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
PATIENCE_S, LOOK_S = 60.0, 0.1
PROTECTED = "query?query=momentum_kit_position_protected==1"
HELD = PositionView(
    symbol="QRST", con_id=1, quantity=100.0, average_price=5.0, last_price=5.1, unrealised_usd=10.0, stop_price=4.9,
    r=1.0, opened_at=AT,
)  # fmt: skip

pytestmark = pytest.mark.skipif(PROMETHEUS is None or PROMTOOL is None, reason="no prometheus on this machine")


def deployed_rules() -> dict[str, dict[str, Any]]:
    """By the name of their alert."""
    (group,) = yaml.safe_load((DEPLOYED / "rules.yml").read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


@contextmanager
def prometheus(folder: Path, page_port: int, token: Path) -> Iterator[int]:
    """Prometheus by its port, as deployed but for addresses, and with every patience cut to a second."""
    config = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "400ms", "evaluation_interval": "500ms"}
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{page_port}"]}]
    job["authorization"]["credentials_file"] = str(token)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    rules = yaml.safe_load((DEPLOYED / "rules.yml").read_text())
    for rule in rules["groups"][0]["rules"]:
        rule["for"] = "1s"
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    with kept_port() as port, (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [str(PROMETHEUS), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield port
        finally:
            process.terminate()
            process.wait(20)


async def asked(port: int, path: str) -> Any:
    """What its API answers; nothing while it starts."""

    def ask() -> Any:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    return await asyncio.to_thread(ask)


async def firing(port: int) -> set[str]:
    """Names of the alerts that fire now."""
    found = await asked(port, "alerts") or {"alerts": []}
    return {each["labels"]["alertname"] for each in found["alerts"] if each["state"] == "firing"}


async def until_fires(port: int, *names: str) -> None:
    """These and no others."""
    fire = set[str]()
    for _ in range(round(PATIENCE_S / LOOK_S)):
        if (fire := await firing(port)) == set(names):
            return
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"{sorted(fire)} fire and not {sorted(names)}")


async def until_scraped(port: int) -> None:
    """A position that is protected is known there."""
    for _ in range(round(PATIENCE_S / LOOK_S)):
        if (await asked(port, PROTECTED) or {"result": []})["result"]:
            return
        await asyncio.sleep(LOOK_S)
    raise AssertionError("nothing was scraped")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The simulated account, its state below a temporary folder."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    return load_config(ROOT / "config" / "sim.yaml")


@pytest.fixture
async def endpoint(config: Config, tmp_path: Path) -> AsyncIterator[ToldEndpoint]:
    """An engine that says what it is told to."""
    async with told_endpoint(config, tmp_path / "run") as served:
        yield served


async def test_each_rule_fires_on_its_fault_and_is_quiet_again(
    config: Config, endpoint: ToldEndpoint, tmp_path: Path
) -> None:
    """Scraped by Prometheus itself, with the collector's token: first nothing, then fault by fault, then nothing."""
    page_token(endpoint.folder)
    _, token = page_token(endpoint.folder, METRICS_FILE)
    page = PageServer(config, endpoint.folder, PageAddress(port=0), token=lambda: "t" * 24)
    await page.start()
    well = replace(
        endpoint.status,
        positions=(HELD,),
        health=ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP, farms={"usfarm": LinkState.UP}),
        lags_s={"loop": 0.01},
    )
    faults = {
        "PositionWithoutStop": replace(well, positions=(replace(HELD, stop_price=float("nan")),)),
        "ExitWaits": replace(well, waits=(ExitWait(symbol="QRST", why="halted", seconds=121.0),)),
        "GatewayGone": replace(well, health=replace(well.health, socket=LinkState.DOWN)),
        "FeedSilent": replace(well, health=replace(well.health, farms={"usfarm": LinkState.DOWN})),
        "LoopLate": replace(well, lags_s={"loop": 3.0}),
    }
    try:
        with prometheus(tmp_path, page.port, token) as port:
            endpoint.status = well
            await until_scraped(port)
            await until_fires(port)
            for name, status in faults.items():
                endpoint.status = status
                await until_fires(port, name)
            endpoint.status = well
            await until_fires(port)
            await endpoint.streams.stop()  # it owns the account, and says nothing any more
            endpoint.publish(1)
            await until_fires(port, "EngineSilent")
            await page.stop()
            await until_fires(port, "NothingWatches")
    finally:
        await page.stop()


PLANTED = {
    "NothingWatches": ('up{job="momentum_kit", instance="x"}', 0, 30),
    "EngineSilent": ('momentum_kit_engine{state="silent", instance="x"}', 1, 15),
    "PositionWithoutStop": ('momentum_kit_position_protected{symbol="QRST", instance="x"}', 0, 10),
    "ExitWaits": ('momentum_kit_exit_waits_seconds{symbol="QRST", instance="x"}', 130, 0),
    "GatewayGone": ('momentum_kit_layer_up{layer="broker", instance="x"}', 0, 120),
    "FeedSilent": ('momentum_kit_layer_down{layer="data", instance="x"}', 1, 120),
    "LoopLate": ('momentum_kit_lag_seconds{of="loop", instance="x"}', 3, 15),
    "DiskNearlyFull": ('momentum_kit_disk_free_bytes{of="run", instance="x"}', 5e8, 60),
}
"""By alert: what stands there from the first moment on, and after how many seconds somebody shall hear of it."""


def test_each_rule_waits_as_long_as_it_should(tmp_path: Path) -> None:
    """By promtool, on minutes of series: not a moment before its time, at it, and no other rule at any."""
    assert PLANTED.keys() == deployed_rules().keys()
    running = {"series": 'momentum_kit_state{state="running", instance="x"}', "values": "1+0x100"}
    tests = [
        {
            "interval": "5s",
            "input_series": [{"series": series, "values": f"{value:g}+0x100"}, running],
            "alert_rule_test": [
                *({"eval_time": f"{at}s", "alertname": each} for each in PLANTED for at in (0, 300) if each != name),
                *([{"eval_time": f"{patience_s - 5}s", "alertname": name}] if patience_s else []),
            ],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}})',
                    "eval_time": f"{patience_s + 5}s",
                    "exp_samples": [{"labels": "{}", "value": 1}],
                }
            ],
        }
        for name, (series, value, patience_s) in PLANTED.items()
    ]
    file = tmp_path / "tests.yml"
    content = {"rule_files": [str(DEPLOYED / "rules.yml")], "evaluation_interval": "5s", "tests": tests}
    file.write_text(yaml.safe_dump(content))
    told = subprocess.run([str(PROMTOOL), "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_number_that_a_rule_names_is_told(endpoint: ToldEndpoint) -> None:
    """By the page of a session that holds something and waits for an exit."""
    named = set(re.findall(r"\bmomentum_kit_\w+", " ".join(rule["expr"] for rule in deployed_rules().values())))
    waits = (ExitWait(symbol="", why="halted", seconds=1.0),)
    contact = EngineContact(endpoint.folder)
    contact.connected, contact.engine = True, (1, str(endpoint.run_dir))
    contact.status = replace(endpoint.status, positions=(HELD,), waits=waits, lags_s={"loop": 0.0})
    assert named <= set(re.findall(r"\bmomentum_kit_\w+", page_metrics(contact, endpoint.folder).decode()))
