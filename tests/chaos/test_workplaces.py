"""Where people work with one session: two notebooks, a kernel restarted and interrupted, a script, IPython's prompt."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from momentum_kit.models.session import TradingState
from tests.chaos.chaos_gateway import Gateway
from tests.chaos.chaos_processes import PATIENCE_S, client_of, configure, wait_status
from tests.notebooks.kernels.live_kernel import LiveKernel

OPEN = 'from momentum_kit import Kit\nkit = await Kit.open("config/chaos.yaml")\nprint(kit.started_here)'
SCRIPT = """
from momentum_kit import Kit

with Kit.open_sync("config/chaos.yaml") as kit:
    print(kit.started_here, kit.status().state, len(kit.headlines()) >= 0)
    print(kit.pause_sync())
"""
PROMPT = """
from momentum_kit import Kit
kit = await Kit.open("config/chaos.yaml")
print(kit.started_here, kit.status().state)
await kit.stop()
"""


@pytest.fixture
def in_notebooks(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveKernel]:
    """A kernel in the notebooks' folder: JupyterLab's, from whatever folder it shows, and VS Code's as installed."""
    monkeypatch.chdir(project / "notebooks")
    kernel = LiveKernel(project)
    yield kernel
    kernel.close()


@pytest.fixture
def in_root(project: Path, in_notebooks: LiveKernel, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveKernel]:
    """A kernel in the project's folder: VS Code's with jupyter.notebookFileRoot set to the workspace."""
    monkeypatch.chdir(project)
    (project / "second").mkdir()
    kernel = LiveKernel(project / "second")
    yield kernel
    kernel.close()


def test_one_session_from_every_place(
    project: Path, gateway: Gateway, in_notebooks: LiveKernel, in_root: LiveKernel
) -> None:
    """Whoever opens a kit after the first one attaches, whatever folder he is in; none of them ends it by going."""
    client_config = configure(project, gateway.port, clock={"rate": 20})
    first = in_notebooks.run(OPEN + '\nawait kit.start(until="85m")')
    assert (first.printed, first.error) == ("True\n", "")
    client = client_of(client_config)

    second = in_root.run(OPEN + "\nprint(await kit.pause())")
    assert second.printed.startswith("False\n") and not second.error
    assert in_notebooks.run("print(kit.status().state)").printed == "paused\n"
    in_notebooks.run("await kit.resume()")
    assert client.status().state is TradingState.RUNNING

    waiting = in_notebooks.begin("await kit.wait()")
    _, interrupted = in_notebooks.interrupt(waiting)
    assert interrupted.error in {"KeyboardInterrupt", "CancelledError"}
    before = client.status()
    assert before.state is TradingState.RUNNING

    in_notebooks.restart()
    wait_status(client, lambda now: now.market_time > before.market_time, "the session goes on")
    again = in_notebooks.run(OPEN + "\nprint(kit.status().pid)")
    assert again.printed == f"False\n{before.pid}\n"

    script = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=PATIENCE_S, cwd=project
    )
    assert script.returncode == 0, script.stderr
    assert script.stdout.startswith("False running True\n")
    assert client.status().state is TradingState.PAUSED  # the script's block has ended, and what it left stands

    prompt = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", "--simple-prompt", "--HistoryManager.enabled=False"],
        input=PROMPT, capture_output=True, text=True, timeout=PATIENCE_S, cwd=project,
        env={**os.environ, "IPYTHONDIR": str(project / "ipython")},
    )  # fmt: skip
    assert "False paused" in prompt.stdout, prompt.stdout + prompt.stderr
    ended = in_root.run("final = await kit.wait()\nprint(final.state)", PATIENCE_S)
    assert ended.printed == "stopped\n", ended  # every other kit sees that somebody has ended it
