"""Engines, runs and commands in processes of their own, and conditions to wait for."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import yaml

from momentum_kit.config import load_config
from momentum_kit.models.session import EngineStatus
from momentum_kit.runtime.control import ControlClient, decode_status_text
from momentum_kit.runtime.ownership import StateFolder

PATIENCE_S = 180.0
LASTING: dict[str, dict[str, Any]] = {
    "exits": {"stop_min_pct": 50.0, "target_r": 20.0, "time_stop_s": 86_400.0, "flatten_timeout_s": PATIENCE_S},
    "risk": {"max_positions": 1},
}
"""No price of the market reaches stop or target: what is entered first stays, and stays alone, until it is closed."""
ENDING: dict[str, dict[str, Any]] = {
    "exits": {"stop_min_pct": 3.0, "time_stop_s": 86_400.0, "flatten_timeout_s": PATIENCE_S},
    "risk": {"max_positions": 1},
}
"""What is entered first, alone, falls to its stop after 18 minutes of the market, and no sooner, whatever the load."""


def configure(project: Path, port: int, *, lasting: bool = False, **changes: dict[str, Any]) -> Path:
    """The demo's configuration at this port with changed sections; lasting: what is held is held until a command."""
    content = yaml.safe_load((project / "config" / "demo.yaml").read_text())
    for sections in ({"broker": {"port": port}}, LASTING if lasting else {}, changes):
        for section, values in sections.items():
            content[section] = content.get(section, {}) | values
    path = project / "config" / "chaos.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def processes_of(project: Path) -> dict[int, list[str]]:
    """Everything that runs for this project, by pid, except this very process."""
    found = {}
    for process in psutil.process_iter(["pid", "environ", "cmdline", "status"]):
        state = (process.info["environ"] or {}).get("MOMENTUM_KIT_STATE_DIR")
        ours = state == str(project / "state") and process.info["status"] != psutil.STATUS_ZOMBIE
        if ours and process.pid != psutil.Process().pid:
            found[process.pid] = process.info["cmdline"]
    return found


def sockets_of_ours() -> set[tuple[Any, ...]]:
    """TCP sockets of this process, those that are only waiting out their time excepted."""
    own = psutil.Process().net_connections("tcp")
    return {(each.laddr, each.raddr) for each in own if each.status not in (psutil.CONN_TIME_WAIT, psutil.CONN_NONE)}


def wait_until(
    condition: Callable[[], Any], what: str, shown: Callable[[], Any] = lambda: "", patience_s: float = PATIENCE_S
) -> Any:
    """The first true value of a condition; a failure that says what was waited for."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {patience_s:g} s; {shown()}"
        time.sleep(0.05)  # a status, or a look through all processes, takes some milliseconds of both sides
    return value


def client_of(config: Path) -> ControlClient:
    """The running engine's control endpoint."""
    address = wait_until(StateFolder(load_config(config).owner_key).address, "an engine listens")
    return ControlClient(address)


def wait_status(client: ControlClient, condition: Callable[[EngineStatus], Any], what: str) -> EngineStatus:
    """The first status for which a condition holds."""
    seen: list[EngineStatus] = []

    def met() -> bool:
        seen[:] = [client.status()]
        return bool(condition(seen[0]))

    wait_until(met, what, lambda: seen)
    return seen[0]


def kill_process(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to one process; SIGKILL returns once it is dead, which the sending alone does not promise."""
    psutil.Process(pid).send_signal(number)
    if number == signal.SIGKILL:
        wait_until(lambda: is_dead(pid), f"process {pid} is dead")


def is_dead(pid: int) -> bool:
    """Whether a process has ended, waited for by its parent or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def command_line(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """`momentum-kit ARGUMENTS` in the current project."""
    words = [sys.executable, "-m", "momentum_kit.cli", *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S)


class Run:
    """`momentum-kit run` of the production notebook in a process of its own."""

    def __init__(self, project: Path, config: Path, port: int, *options: str) -> None:
        self.out = project / "out"
        self.config = config
        self._process = subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.cli", "run", "notebooks/production.ipynb", "--config", str(config),
             "-p", "port", str(port), "--out", str(self.out), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, text=True,
        )  # fmt: skip
        self.pid = self._process.pid

    def until_holding(self) -> EngineStatus:
        """The session's status once it holds something."""
        return wait_status(client_of(self.config), lambda status: status.positions, "a position")

    def kernel(self, but: int = 0) -> int:
        """The kernel's process id, once there is one; but: a kernel that is not meant."""
        return int(wait_until(lambda: self._kernel(but), "a kernel"))

    def _kernel(self, but: int) -> int:
        for child in psutil.Process(self.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # another child, which has just ended
                if child.pid != but and any("ipykernel" in word for word in child.cmdline()):
                    return child.pid
        return 0

    def end(self) -> tuple[int, str]:
        """Wait for its end: exit status and stderr."""
        _, errors = self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode, errors

    def close(self) -> None:
        """End it if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    @property
    def summary_exists(self) -> bool:
        """True where the run says that it finished."""
        return (self.out / "summary.json").exists()

    @property
    def summary(self) -> dict[str, Any]:
        """summary.json."""
        content: dict[str, Any] = json.loads((self.out / "summary.json").read_text())
        return content

    def printed(self) -> str:
        """Everything that the executed notebook's cells printed; nothing before there is one."""
        return "".join(self._texts())

    def states(self) -> list[str]:
        """What papermill says of each cell: pending, running, completed or failed."""
        return [cell["metadata"].get("papermill", {}).get("status", "") for cell in self._cells()]

    def is_at(self, code: str) -> bool:
        """True while the cell with this code runs."""
        cells = [cell for cell in self._cells() if code in "".join(cell["source"])]
        return any(cell["metadata"].get("papermill", {}).get("status") == "running" for cell in cells)

    def whole(self) -> bool:
        """True where the last cell, which tells what needs a human, has its output."""
        cells = self._cells()
        return bool(cells and cells[-1].get("outputs"))

    def first_output(self) -> str:
        """What the executed notebook's first output says."""
        return next(self._texts(), "")

    def _cells(self) -> list[dict[str, Any]]:
        file = self.out / "production.ipynb"
        try:
            cells: list[dict[str, Any]] = json.loads(file.read_text())["cells"]
        except FileNotFoundError:
            return []  # the kernel died, and the next one has not begun
        return cells

    def _texts(self) -> Iterator[str]:
        for output in (output for cell in self._cells() for output in cell.get("outputs", [])):
            yield "".join(output.get("text", []))

    def last_word(self) -> EngineStatus:
        """The final status that the engine wrote."""
        return decode_status_text((self.out / "engine.json").read_text())
