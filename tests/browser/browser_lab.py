"""JupyterLab in a process of its own, Chromium at it, and an engine with its gateway: what a browser test drives.

The tests leave pictures of the panel, in every state and both themes, in `runs/screenshots`, or in the folder that
MOMENTUM_KIT_SCREENSHOTS names. To make them on purpose: `python -m pytest tests/browser/test_panel.py`. The README's,
docs/images/panel.png, is `trading_wide_light`.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import yaml
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Playwright, expect

from momentum_kit.config import load_config
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.engine import EngineProcess, start_engine
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.runtime.sim import gateway_process

ROOT = Path(__file__).resolve().parents[2]
SHOTS = Path(os.environ.get("MOMENTUM_KIT_SCREENSHOTS") or ROOT / "runs" / "screenshots")  # ignored by git
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
PATIENCE_S = 40.0
LONG_DAY = ("15:30", 36)  # until when, and how many stories: longer than a test, however busy the machine
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-default-apps",
]  # fmt: skip
TRUSTING = "--disable-features=LocalNetworkAccessChecks"  # older browsers let any page at the loopback
NOBODY = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
TOKEN = "browser-test"
LASTING = {"exits.stop_min_pct": 50.0, "exits.target_r": 20.0, "exits.time_stop_s": 86_400.0, "risk.max_positions": 1}
"""No price of the market reaches stop or target: what is entered first stays, and stays alone, until it is closed."""

expect.set_options(timeout=PATIENCE_S * 1e3)


def wait_until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """The first true value of a condition."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {patience_s:g} s"
        time.sleep(0.01)
    return value


@contextmanager
def jupyter_lab(project: Path) -> Iterator[Path]:
    """A JupyterLab whose settings are its own, by the folder in which it will soon say where; ends with the context."""
    settings = project / "jupyter"
    labels = settings / "config" / "labconfig"
    labels.mkdir(parents=True)
    quiet = {"@jupyterlab/apputils-extension:announcements": True}
    (labels / "page_config.json").write_text(json.dumps({"disabledExtensions": quiet}))
    folders = {f"JUPYTER_{name.upper()}_DIR": str(settings / name) for name in ("config", "data", "runtime")}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={project}",
        "--expose-app-in-browser", "--LabApp.news_url=None", "--ResourceUseDisplay.track_cpu_percent=False",
    ]  # fmt: skip
    with (project / "lab.log").open("w") as written:
        process = subprocess.Popen(command, env=os.environ | folders, cwd=project, stdout=written, stderr=written)
    try:
        yield settings / "runtime"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers_at(lab: Path) -> str:
    """Where a JupyterLab answers by now; empty where it does not yet."""
    for file in lab.glob("jpserver-*.json"):
        with suppress(OSError, ValueError):  # not whole yet, or nobody answers
            address = f"http://127.0.0.1:{json.loads(file.read_text())['port']}"
            with urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=20) as response:
                if response.status == 200:
                    return address
    return ""


def start_chromium(playwright: Playwright, rebound: str = "") -> Browser:
    """Debian's own, headless, with nothing that would leave the loopback; rebound: a name that means the loopback."""
    names = f"MAP {rebound} 127.0.0.1, {NOBODY}" if rebound else NOBODY
    args = [*QUIET, f"--host-resolver-rules={names}", *([TRUSTING] if rebound else [])]
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=args, ignore_default_args=["--hide-scrollbars"]
    )  # pictures as people see them


class Trading:
    """An engine and its gateway in processes of their own."""

    def __init__(self, project: Path, port: int, engine: EngineProcess) -> None:
        self.port = port
        self.engine = engine
        self.run_dir = Path(engine.address.run_dir)
        self.folder = StateFolder(load_config(project / "config" / "demo.yaml", {"broker.port": port}).owner_key)
        self.client = ControlClient(engine.address, self.folder)

    @property
    def state(self) -> str:
        """The session's state."""
        return str(self.client.status().state)

    @property
    def gateway(self) -> psutil.Process:
        """The gateway's process."""
        return next(child for child in psutil.Process().children() if _listens(child, self.port))

    @contextmanager
    def held(self) -> Iterator[None]:
        """The market stands still while the gateway does: in lock-step nobody else moves it."""
        gateway = self.gateway
        gateway.suspend()
        try:
            yield
        finally:
            gateway.resume()


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        connections = process.net_connections()
    except psutil.Error:  # it has just ended
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)


@contextmanager
def trading(project: Path, rate: float = 200.0) -> Iterator[Trading]:
    """A session over a long day of the demo's market at so many market seconds a second; ends with the context.

    What it holds it holds until a command closes it.
    """
    scenario = project / "long_day.yaml"
    day = yaml.safe_load((project / "config" / "scenarios" / "demo.yaml").read_text())
    day["end"], day["news"]["planted"] = LONG_DAY
    scenario.write_text(yaml.safe_dump(day))
    arguments = ["--port", "0", "--scenario", str(scenario), "--seed", "7", "--lock-step", "1"]
    with gateway_process(arguments, project / "gateway.err") as port:
        out = project / "runs" / f"{port}"
        out.mkdir(parents=True)
        changes = {"broker.port": port, "clock.rate": rate, **LASTING}
        engine = start_engine(project / "config" / "demo.yaml", changes, out)
        try:
            yield Trading(project, port, engine)
        finally:
            engine.finish()


class Notebook:
    """One page with one notebook in JupyterLab."""

    def __init__(self, page: Page, lab: Path, project: Path, name: str, cells: list[str]) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        written = {"cells": [_cell(each) for each in cells], "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
        (project / f"{name}.ipynb").write_text(json.dumps(written))
        address = wait_until(lambda: _answers_at(lab), "JupyterLab answers", 2 * PATIENCE_S)
        page.goto(f"{address}/lab/tree/{name}.ipynb?token={TOKEN}&reset")
        page.wait_for_function(READY, timeout=PATIENCE_S * 1e3)

    def replace(self, cells: list[str]) -> None:
        """Other cells in place of all, in the same kernel."""
        self.page.evaluate(REPLACE, [_cell(each) for each in cells])

    def run_all(self) -> None:
        """Run every cell; returns while they still run."""
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def run_in_kernel(self, code: str) -> None:
        """Execute code as a cell would, without waiting for it."""
        self.page.evaluate(f"code => {{ {KERNEL}.requestExecute({{code}}); }}", code)

    def restart_kernel(self) -> None:
        """What the menu's restart does, without its question."""
        self.page.evaluate(f"async () => {{ await {KERNEL}.restart(); }}")
        self.page.wait_for_function(READY, timeout=PATIENCE_S * 1e3)

    def interrupt(self) -> None:
        """End what the kernel executes; returns when it is idle."""
        self.page.evaluate(f"async () => {{ await {KERNEL}.interrupt(); }}")
        self.page.wait_for_function(READY, timeout=PATIENCE_S * 1e3)

    def hasten(self) -> None:
        """Let what the browser does by its own watch, such as calling a panel old, happen ten times sooner."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Animation.enable")
        session.send("Animation.setPlaybackRate", {"playbackRate": 10})

    @property
    def busy(self) -> bool:
        """True while the kernel executes something."""
        return bool(self.page.evaluate(f"() => {KERNEL}.status === 'busy'"))

    def shut_down(self) -> None:
        """End the kernel, and with it every thread of its panel."""
        self.page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")

    def theme(self, name: str) -> None:
        """Light or Dark."""
        wanted = "true" if name == "Light" else "false"
        if self.page.locator(f"body[data-jp-theme-light='{wanted}']").count():
            return
        self.page.evaluate(
            f"() => jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {name}'}})"
        )
        self.page.wait_for_selector(f"body[data-jp-theme-light='{wanted}']", state="attached")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    def part(self, css: str) -> Locator:
        """A part of the panel, by our own class."""
        return self.page.locator(f".jp-OutputArea-output .mk-panel .{css}").last

    def says(self, css: str, words: str, patience_s: float = PATIENCE_S) -> None:
        """Wait until a part of the panel shows these words."""
        expect(self.part(css)).to_contain_text(words, timeout=patience_s * 1e3, ignore_case=True)

    def shoot(self, name: str, *themes: str) -> None:
        """A picture of the whole panel in these themes, kept among the run's artefacts; no box of it is cut off."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        for theme in themes:
            self.theme(theme)
            self.page.locator(".mk-panel").last.screenshot(path=SHOTS / f"{name}_{theme.lower()}.png")
        assert (cut_off := self.page.evaluate(CUT_OFF)) == [], f"{name}: {cut_off}"

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(known in message.text for known in NOT_OURS):
            self.errors.append(message.text)


def panel_cells(port: int) -> list[str]:
    """The two cells that everybody writes."""
    return [f'from momentum_kit import Kit\nkit = await Kit.open("config/demo.yaml", port={port})', "kit.panel()"]


def _cell(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "id": f"c{abs(hash(source)) % 10**8}", "metadata": {},
            "outputs": [], "source": source}  # fmt: skip


METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
KERNEL = "jupyterapp.shell.currentWidget.sessionContext.session.kernel"
REPLACE = """cells => { const shared = jupyterapp.shell.currentWidget.content.model.sharedModel;
    shared.transact(() => { shared.deleteCellRange(0, shared.cells.length); shared.insertCells(0, cells); }); }"""
READY = """() => { const c = window.jupyterapp?.shell?.currentWidget?.sessionContext;
    return !!c && c.isReady && c.session?.kernel?.status === 'idle'; }"""
CUT_OFF = """() => [...[...document.querySelectorAll('.mk-panel')].pop().querySelectorAll('.mk-box, .mk-banner, div')]
    .filter(box => box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== 'visible')
    .map(box => `${box.className}: ${box.scrollWidth} in ${box.clientWidth}`)"""
"""What has more to show sideways than it shows."""
NOT_OURS = ("favicon", "Failed to load resource", "net::ERR")
"""What JupyterLab itself logs as an error on a machine without a network."""
