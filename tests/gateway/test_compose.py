"""The desk of deploy/compose, as far as it goes without Docker: files, check, days, page and health."""

import asyncio
import copy
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from momentum_kit.config import load_config
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.simgateway import SimulatedGateway

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy" / "compose"
TOOL = shutil.which("docker-compose")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|URLS?$")


def desk_module() -> ModuleType:
    """deploy/compose/desk.py, which no package holds."""
    spec = importlib.util.spec_from_file_location("deployed_desk", COMPOSE / "desk.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


desk = desk_module()


def composed(name: str = "compose.yaml") -> dict[str, Any]:
    """The file as YAML reads it."""
    found: dict[str, Any] = yaml.safe_load((COMPOSE / name).read_text())
    return found


def short(port: Any) -> str:
    """ADDRESS:PORT:PORT/tcp, also of the long form that newer versions of Compose print."""
    return "{host_ip}:{published}:{target}/{protocol}".format(**port) if isinstance(port, dict) else str(port)


def strays(content: dict[str, Any], text: str = "") -> list[str]:
    """What a desk must not do: ports beyond loopback, secrets in the open, images without a version, lost volumes."""
    found = []
    declared, mounted = set(content.get("volumes") or {}), set[str]()
    built = {service.get("image") for service in content["services"].values() if "build" in service}
    for name, service in content["services"].items():
        ports = map(short, service.get("ports", ()))
        found += [f"{name} serves {port}" for port in ports if not re.fullmatch(r"127\.0\.0\.1:.+:.+", port)]
        for variable, value in (service.get("environment") or {}).items():
            if SECRET.search(variable) and not (variable.endswith("_FILE") and value.startswith("/run/secrets/")):
                found.append(f"{name} shows {variable}")
        wanted = {each["source"] if isinstance(each, dict) else each for each in service.get("secrets", ())}
        found += [f"{name} wants the secret {each}" for each in wanted - set(content["secrets"])]
        for volume in service.get("volumes", ()):
            source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
            if not source.startswith((".", "/")):
                mounted.add(source)
        image = service.get("image")
        if image and not re.fullmatch(r"[^\s:]+(/[^\s:]+)*:v?\d+\.\d+\S*", image):
            found.append(f"{name} takes {image}")
        if text and image and image not in built and f"{image}  # not pulled" not in text and "@sha256:" not in image:
            found.append(f"nobody pulled {image}, and nothing says so")
    found += [f"the volume {each} is not declared" for each in mounted - declared]
    found += [f"nobody mounts the volume {each}" for each in declared - mounted]
    return sorted(set(found))


def config_as_composed(
    *files: str, mode: str = "paper", folder: Path, **without: str
) -> subprocess.CompletedProcess[str]:
    """What Compose itself makes of the files for a mode's .env; the client needs no daemon for that."""
    lines = (COMPOSE / f"{mode}.env").read_text().replace("TWS_USERID=", "TWS_USERID=someone")
    (folder / "env").write_text("\n".join(line for line in lines.splitlines() if line.split("=")[0] not in without))
    named = [word for file in files for word in ("-f", str(COMPOSE / file) if "/" not in file else file)]
    environment = {name: value for name, value in os.environ.items() if name not in {"MODE", "API_PORT", "TWS_USERID"}}
    return subprocess.run(
        [str(TOOL), "--env-file", str(folder / "env"), *named, "config"],
        capture_output=True, text=True, check=False, timeout=60, env=environment,
    )  # fmt: skip


@pytest.mark.skipif(TOOL is None, reason="no docker-compose on this machine")
def test_compose_takes_the_files_for_either_mode(tmp_path: Path) -> None:
    """Every key and value is the specification's, and the API's port goes to the relay of its mode."""
    for mode, api, relay in (("paper", 4002, 4004), ("live", 4001, 4003)):
        for files in (("compose.yaml",), ("compose.yaml", "vnc.yaml")):
            told = config_as_composed(*files, mode=mode, folder=tmp_path)
            assert told.returncode == 0, told.stderr
            made = yaml.safe_load(told.stdout)
            ports = [short(port) for port in made["services"]["desk"]["ports"]]
            assert f"127.0.0.1:{api}:{relay}/tcp" in ports
            assert made["services"]["gateway"]["environment"]["TRADING_MODE"] == mode
            assert strays(made) == []
            shown = made["services"]["gateway"]["environment"]
            assert ("VNC_SERVER_PASSWORD_FILE" in shown) is (len(files) == 2)
            assert any(":5900" in port for port in ports) is (len(files) == 2)


@pytest.mark.skipif(TOOL is None, reason="no docker-compose on this machine")
def test_compose_refuses_what_is_no_desk(tmp_path: Path) -> None:
    """Without a mode or a name nothing begins, and a key that the specification does not know is seen."""
    for variable in ("MODE", "API_PORT", "RELAY_PORT"):
        told = config_as_composed("compose.yaml", folder=tmp_path, **{variable: ""})
        assert (told.returncode, variable in told.stderr) == (1, True), told.stderr
    broken = composed()
    broken["services"]["engine"]["restarts"] = "always"
    (tmp_path / "broken.yaml").write_text(yaml.safe_dump(broken))
    told = config_as_composed(str(tmp_path / "broken.yaml"), folder=tmp_path)
    assert (told.returncode, "restarts" in told.stderr) == (1, True)


def test_nothing_is_reachable_and_nothing_is_secret_in_the_open() -> None:
    """Ports on loopback, secrets from files, every image with a version and marked, every volume declared."""
    text = re.sub(r"&\w+ ", "", (COMPOSE / "compose.yaml").read_text())
    assert strays(composed(), text) == []
    assert [
        each for each in strays(composed("vnc.yaml")) if "tws_password" not in each
    ] == []  # that one is the other's


def test_each_stray_is_seen() -> None:
    """The check of this very file sees what it is there for."""
    planted: dict[str, tuple[tuple[str, ...], Any]] = {
        "desk serves 9090:9090": (("services", "desk", "ports"), ["9090:9090"]),
        "desk serves 0.0.0.0:4002:4004": (("services", "desk", "ports"), ["0.0.0.0:4002:4004"]),
        "gateway shows TWS_PASSWORD": (("services", "gateway", "environment", "TWS_PASSWORD"), "hunter2"),
        "engine shows MOMENTUM_KIT_ALERT_URLS": (
            ("services", "engine", "environment", "MOMENTUM_KIT_ALERT_URLS"), "tgram://secret",
        ),
        "gateway takes a/b:stable": (("services", "gateway", "image"), "a/b:stable"),
        "gateway takes a/b": (("services", "gateway", "image"), "a/b"),
        "the volume lost is not declared": (("services", "engine", "volumes"), ["lost:/srv/momentum/state"]),
        "nobody mounts the volume idle": (("volumes", "idle"), None),
        "engine wants the secret tls": (("services", "engine", "secrets"), ["tls"]),
    }  # fmt: skip
    for words, (path, value) in planted.items():
        content: Any = copy.deepcopy(composed())
        place = content
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        assert words in strays(content), words
    assert any("nothing says so" in each for each in strays(composed(), "nothing is marked here"))


def test_prometheus_gets_the_rules_that_are_tested_and_the_token_that_is_left() -> None:
    """deploy/prometheus as it is, and the collector's token where its file looks for it."""
    services = composed()["services"]
    mounts = dict(each.split(":")[:2][::-1] for each in services["prometheus"]["volumes"])
    assert (COMPOSE / mounts["/etc/prometheus"]).resolve() == ROOT / "deploy" / "prometheus"
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    (job,) = scraped["scrape_configs"]
    token = Path(job["authorization"]["credentials_file"])
    assert (mounts[str(token.parent)], token.name) == ("metrics_token", desk.METRICS_TOKEN)
    assert "metrics_token:/srv/momentum/metrics" in services["engine"]["volumes"]
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{desk.PAGE_PORT}"]}]
    assert services["prometheus"]["network_mode"] == services["engine"]["network_mode"] == "service:desk"


def test_the_image_is_made_of_files_that_are_there_and_of_nothing_else() -> None:
    """What the Dockerfile copies exists and is let through; secrets and .env are not."""
    copied = [
        word
        for line in re.findall(r"^COPY (.*)$", (COMPOSE / "Dockerfile").read_text(), re.MULTILINE)
        for word in line.split()[:-1]
    ]
    kept = (COMPOSE / "Dockerfile.dockerignore").read_text().splitlines()
    assert copied and kept.index("*") < kept.index("!deploy") < kept.index("deploy/compose/secrets")
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name.split('/')[0]}" in kept, name
    assert re.search(r"^FROM python:3\.\d+\.\d+-slim-\w+$", (COMPOSE / "Dockerfile").read_text(), re.MULTILINE)
    assert "--require-hashes" in (COMPOSE / "Dockerfile").read_text()
    assert {"deploy/compose/secrets", "deploy/compose/.env"} <= set(kept)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desk's folder, as its image has it, for an account that is named, and with a password."""
    for name in ("config", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name, account in (("paper", "DU1234567"), ("live", "U1234567")):
        change(tmp_path, name, account=account)
    for name in ("secrets", "metrics", "runs"):
        (tmp_path / name).mkdir()
    (tmp_path / "secrets" / "tws_password").write_text("hunter2\n")
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


def change(project: Path, mode: str, **broker: Any) -> None:
    """Keys of a mode's broker."""
    file = project / "config" / f"{mode}.yaml"
    content = yaml.safe_load(file.read_text())
    content["broker"].update(broker)
    file.write_text(yaml.safe_dump(content))


def test_nobody_logs_in_before_mode_account_and_port_agree(project: Path) -> None:
    """Each contradiction is one line that names both sides; a desk in order says nothing."""

    def wrong(mode: str = "paper", port: str = "4002") -> list[str]:
        found: list[str] = desk.wrong({"MODE": mode, "API_PORT": port}, project, project / "secrets")
        return found

    assert wrong() == wrong("live", "4001") == []
    assert wrong("papier") == ["MODE is 'papier'; it is paper or live"]
    assert wrong(port="4001") == ["API_PORT is 4001, and config/paper.yaml says broker.port: 4002"]
    change(project, "paper", account="U1234567")
    assert "broker.account U1234567 does not start with DU" in wrong()[0]
    change(project, "paper", account="")
    assert wrong() == ["config/paper.yaml names no broker.account; a desk trades one that is named, and no other"]
    shutil.copy(project / "config" / "live.yaml", project / "config" / "paper.yaml")
    assert "MODE is paper, and config/paper.yaml says environment: live" in wrong(port="4001")
    (project / "secrets" / "tws_password").write_text("\n")
    assert "secrets/tws_password is empty" in wrong("live", "4001")[0]


def test_an_account_of_the_other_prefix_is_refused_for_live_as_well(project: Path) -> None:
    """A paper account in the live file is no live desk."""
    change(project, "live", account="DU1234567")
    (line,) = desk.wrong({"MODE": "live", "API_PORT": "4001"}, project, project / "secrets")
    assert "live.yaml: broker.account DU1234567 does not start with U" in line


def test_secrets_reach_a_session_out_of_their_files_alone(project: Path) -> None:
    """An empty file is no address: nothing is told to nobody."""
    (project / "secrets" / "alert_urls").write_text("tgram://a/b\n")
    (project / "secrets" / "dead_man_url").write_text("")
    assert desk.told({"MODE": "paper"}, project / "secrets") == {
        "MODE": "paper",
        "MOMENTUM_KIT_ALERT_URLS": "tgram://a/b",
    }


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    """New York's winter time in 2026."""
    return datetime(2026, month, day, hour + 5, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "done_at", "day"),
    [
        (at(25, 8), None, 25),
        (at(25, 15, 54), None, 25),  # cut off late, and taken over
        (at(25, 15, 55), None, 27),  # nothing would be left of it; Thursday is Thanksgiving
        (at(27, 12, 54), None, 27),  # a half day ends at 13:00
        (at(27, 12, 56), None, 30),
        (at(25, 11), at(25, 10), 27),  # somebody stopped today's
        (at(25, 9), at(24, 15, 56), 25),  # yesterday's end says nothing of today
    ],
)
def test_the_next_session_is_todays_unless_it_is_over(
    project: Path, now: datetime, done_at: datetime | None, day: int
) -> None:
    """By the exchange's own calendar; what ended in order is not begun again on its day."""
    config = load_config(project / "config" / "paper.yaml", with_thresholds=False)
    assert desk.session_to_begin(now, config, done_at).day.day == day


def test_a_session_begins_at_the_same_hour_of_new_york_in_summer_time(project: Path) -> None:
    """08:00 of 2 November is after the change: 09:20 New York is an hour later in UTC than on 30 October."""
    config = load_config(project / "config" / "paper.yaml", with_thresholds=False)
    before = desk.session_to_begin(datetime(2026, 10, 30, 10, tzinfo=UTC), config, None)
    after = desk.session_to_begin(datetime(2026, 10, 31, 10, tzinfo=UTC), config, None)
    assert (before.open.hour, after.open.hour) == (13, 14)


def stand_in(project: Path, lines: str) -> dict[str, str]:
    """An environment in which `momentum-kit run` is a shell script that keeps what it was told in `calls`."""
    file = project / "bin" / "momentum-kit"
    file.parent.mkdir()
    file.write_text(f'#!/bin/sh\n[ "$1" = page ] && exec sleep 60\necho "$@" >> {project}/calls\n{lines}\n')
    file.chmod(0o755)
    return {"MODE": "paper", "PATH": f"{file.parent}:{os.environ['PATH']}"}


def calls(project: Path) -> list[str]:
    """The sessions that were begun."""
    file = project / "calls"
    return file.read_text().splitlines() if file.exists() else []


async def until(met: Any, what: str) -> None:
    """In a minute at most."""
    for _ in range(1200):
        if met():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what)


async def test_a_session_that_is_cut_off_is_taken_over_three_times_at_most(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Cut off by a signal: at once again; the third time within half an hour somebody has to look."""
    monkeypatch.setattr(desk, "ASIDE_S", 0.01)
    given = stand_in(project, "kill -9 $$")
    monkeypatch.setenv("PATH", given["PATH"])
    held = desk.Desk(given, project, project / "secrets", now=lambda: at(25, 10))
    running = asyncio.create_task(held.run())
    await until(lambda: len(calls(project)) >= 3, "three sessions")
    await asyncio.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await running == 0
    assert len(calls(project)) == desk.MOST_SIGNALS
    said = capfd.readouterr().err
    assert "none begins before tomorrow" in said
    assert "the next session begins at 2026-11-27 09:20:00 EST" in said


async def test_a_status_was_said_in_words_and_is_not_tried_again(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Positions left, a refusal, an ordinary end: the next session is the next trading day's."""
    given = stand_in(project, "exit 3")
    monkeypatch.setenv("PATH", given["PATH"])
    held = desk.Desk(given, project, project / "secrets", now=lambda: at(25, 10))
    running = asyncio.create_task(held.run())
    await until(lambda: calls(project), "a session")
    await asyncio.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await running == 3
    assert len(calls(project)) == 1
    assert "--until close-5m --unwatched" in calls(project)[0]
    assert "2026-11-27" in capfd.readouterr().err


async def test_an_end_of_the_desk_is_an_orderly_end_of_its_session(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM reaches the session, which is waited for."""
    given = stand_in(
        project, f"trap 'sleep 0.3; echo flat >> {project}/calls; exit 0' TERM; while :; do sleep 0.05; done"
    )
    monkeypatch.setenv("PATH", given["PATH"])
    held = desk.Desk(given, project, project / "secrets", now=lambda: at(25, 10))
    running = asyncio.create_task(held.run())
    await until(lambda: calls(project), "a session")
    await asyncio.sleep(0.2)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await running == 0
    assert calls(project)[-1] == "flat"


async def test_a_gateway_of_another_account_is_refused_by_the_engine_and_the_page_stays(
    project: Path, own_port: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """For real, against a gateway that serves DU9000001: status 4, healthy, the token left for Prometheus."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setattr(desk, "UNTIL", "5m")  # the gateway's market is on the wall's clock, at whatever hour this runs
    async with SimulatedGateway(port=0) as gateway:
        change(project, "paper", port=gateway.port)
        given = {**os.environ, "MODE": "paper", "API_PORT": str(gateway.port), "PAGE_PORT": str(own_port)}
        assert desk.wrong(given, project, project / "secrets") == []
        held = desk.Desk(given, project, project / "secrets", now=lambda: at(25, 10))
        running = asyncio.create_task(held.run())
        told = ""

        def refused() -> bool:
            nonlocal told
            told += capfd.readouterr().err
            return "ended with status 4" in told

        await until(refused, "a refusal")
        await until(lambda: desk.healthy(given, project) == "", "the page answers")
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running == 4
    assert "DU9000001" in told
    token = (project / "metrics" / desk.METRICS_TOKEN).read_text()
    folder = StateFolder.of(load_config(project / "config" / "paper.yaml", with_thresholds=False))
    assert token == (folder.path / desk.METRICS_TOKEN).read_text()
    assert desk.healthy(given, project).startswith("the page does not answer")


def test_an_engine_that_is_silent_is_not_healthy(project: Path) -> None:
    """It owns the account, and its last sign of life is old."""
    folder = StateFolder.of(load_config(project / "config" / "paper.yaml", with_thresholds=False))
    with folder.own():
        folder.write_private(
            "heartbeat.json",
            json.dumps({
                "pid": 1, "wall_time": 1.0, "market_time": "", "state": "running", "reason": "", "run_dir": "",
                "held": [], "ended": False,
            }),
        )  # fmt: skip
        assert "the engine has been silent for" in desk.healthy({"MODE": "paper"}, project)
