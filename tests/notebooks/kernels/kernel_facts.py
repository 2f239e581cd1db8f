"""What kernels do by themselves and differ in; nothing of the product relies on it, and docs/kernels.md says why."""

import subprocess
from collections.abc import Callable

import nbformat
from nbclient import NotebookClient

from tests.notebooks.kernels.live_kernel import LiveKernel, Wedged

TICKING = """
import asyncio, time
if "ticking" in globals():
    ticking.cancel()
ticks = 0

async def tick():
    global ticks
    while True:
        await asyncio.sleep(0.05)
        ticks += 1

ticking = asyncio.create_task(tick())
"""
SPEAKING = """
import asyncio, threading, time

async def speak():
    for turn in range(12):
        await asyncio.sleep(0.2)
        print("task", turn)

def speak_on_a_thread():
    for turn in range(12):
        time.sleep(0.2)
        print("thread", turn)

speaking = asyncio.create_task(speak())
threading.Thread(target=speak_on_a_thread).start()
"""
MEANWHILE = "await asyncio.sleep(3)"
ROUNDS = 150
WEDGED_S = 8.0


def a_task_while_idle(kernel: LiveKernel) -> str:
    """A second without any cell."""
    kernel.run(TICKING)
    before = int(kernel.run("print(ticks)").printed)
    kernel.listen(1.0)
    return _goes_on(int(kernel.run("print(ticks)").printed) - before)


def a_task_while_a_cell_awaits(kernel: LiveKernel) -> str:
    """A second of a cell that awaits."""
    kernel.run(TICKING)
    return _goes_on(int(kernel.run("before = ticks; await asyncio.sleep(1); print(ticks - before)").printed))


def a_task_while_a_cell_computes(kernel: LiveKernel) -> str:
    """A second of a cell that never awaits; ends the task."""
    kernel.run(TICKING)
    said = kernel.run("before = ticks; time.sleep(1); print(ticks - before); _ = ticking.cancel()").printed
    return _goes_on(int(said))


def _goes_on(ticks: int) -> str:
    """Twenty a second are due."""
    return "goes on" if ticks >= 10 else "stands still" if ticks <= 1 else f"limps ({ticks} of 20)"


def prints_while_a_cell_runs(kernel: LiveKernel) -> str:
    """Under which cell JupyterLab shows them."""
    own = kernel.begin(SPEAKING)
    kernel.end(own)
    running = kernel.begin(MEANWHILE)
    kernel.end(running)
    return _shown(kernel.printed(own), kernel.printed(running))


def prints_in_a_report(_: LiveKernel) -> str:
    """Under which cell nbclient, and so papermill and `momentum-kit run`, keeps them."""
    cells = [nbformat.v4.new_code_cell(source) for source in (SPEAKING, MEANWHILE)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute(stderr=subprocess.DEVNULL)
    own, running = ("".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells)
    return _shown(own, running)


def _shown(own: str, running: str) -> str:
    """Where the dozen lines of the task and of the thread are, by the texts under their own and the running cell."""
    return "; ".join(f"{who}: {_place(own.count(f'{who} '), running.count(f'{who} '))}" for who in ("task", "thread"))


def _place(own: int, running: int) -> str:
    assert own + running <= 12, f"{own + running} lines of 12"
    places = [name for name, lines in (("own cell", own), ("running cell", running)) if lines]
    return " and ".join(places) + ("" if own + running == 12 else f" ({12 - own - running} lost)") if places else "lost"


def an_interrupt_of_an_idle_loop(kernel: LiveKernel) -> str:
    """Three times, since it ends when something wakes the loop, and nothing else is on it."""
    took_s = []
    for _ in range(3):
        cell = kernel.begin("import asyncio; print('waiting', flush=True); await asyncio.sleep(4)")
        kernel.until_printed(cell, "waiting")
        took_s.append(kernel.interrupt(cell)[0])
    return f"{min(took_s):.1f} to {max(took_s):.1f} s"


def context_variables(kernel: LiveKernel) -> str:
    """Set by a plain and by an awaiting cell, read by the next."""
    kernel.run("import contextvars; var = contextvars.ContextVar('var', default='no'); _ = var.set('plain')")
    plain = kernel.run("print(var.get())").printed.strip()
    kernel.run("await asyncio.sleep(0); _ = var.set('awaiting')")
    awaiting = kernel.run("print(var.get())").printed.strip()
    return f"plain: {'kept' if plain == 'plain' else 'lost'}; awaiting: {'kept' if awaiting == 'awaiting' else 'lost'}"


def subshells(kernel: LiveKernel) -> str:
    """Whether JupyterLab asks for one a widget target."""
    return "offered" if kernel.has_subshells else "none"


def cells_in_a_row(kernel: LiveKernel) -> str:
    """Sent while others end, as `Run All` and a clicking hand do; leaves a fresh kernel behind."""
    try:
        kernel.run("import asyncio")
        for number in range(ROUNDS):
            kernel.send("await asyncio.sleep(0.01)")
            kernel.send("1")
            kernel.listen(number % 20 / 1e3)
            kernel.end(kernel.send("2"), WEDGED_S)
    except Wedged:
        return f"it takes no cell any more after {3 * number}"
    finally:
        kernel.restart()
    return f"all {3 * ROUNDS} taken"


FACTS: list[tuple[str, Callable[[LiveKernel], str]]] = [
    ("subshells", subshells),
    ("a task of an earlier cell, no cell running", a_task_while_idle),
    ("... while a cell awaits", a_task_while_a_cell_awaits),
    ("... while a cell computes", a_task_while_a_cell_computes),
    ("prints of an earlier cell, another one running", prints_while_a_cell_runs),
    ("... in the report of a headless run", prints_in_a_report),
    ("a context variable, in the next cell", context_variables),
    ("an interrupt of `await sleep(4)`, nothing else on the loop", an_interrupt_of_an_idle_loop),
    ("cells that are sent while others end", cells_in_a_row),
]
