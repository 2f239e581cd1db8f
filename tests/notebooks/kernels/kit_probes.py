"""What the kit and its panel rely on, and how clicks differ: probes of one kernel over one session, in this order."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

from momentum_kit.models.session import TradingState
from momentum_kit.runtime.control import kill_engine
from tests.notebooks.kernels.cockpit import START, Cockpit, wait_until
from tests.notebooks.kernels.kernel_facts import TICKING

COMPUTE = "import time\nuntil = time.monotonic() + {}\nwhile time.monotonic() < until: sum(range(1000))"
STAND_STILL_S = 1.5  # the panel paints four times a second
AT_ONCE_S = 1.0  # 0.2 s between two looks of a waiting cell, and a busy machine
WITHIN_S = 0.3  # what the endpoint promises while a cell holds the kernel
LONG_AGO_S = 30.0


def opened(cockpit: Cockpit) -> str:
    """Top-level await: an engine starts and trades."""
    began = time.perf_counter()
    cockpit.open_kit()
    cell = cockpit.kernel.run(START)
    assert not cell.error, cell.error
    cockpit.reached(TradingState.RUNNING)
    return f"{time.perf_counter() - began:.1f} s"


def a_click(cockpit: Cockpit) -> str:
    """No cell runs."""
    cockpit.open_panel()
    took_s = cockpit.paused_by_click()
    assert took_s < AT_ONCE_S, f"{took_s:.1f} s"
    return f"{took_s * 1e3:.0f} ms"


def a_click_in_an_awaiting_cell(cockpit: Cockpit) -> str:
    """Another cell is queued behind it."""
    return _when_obeyed(cockpit, "await asyncio.sleep(2)")


def a_click_in_a_computing_cell(cockpit: Cockpit) -> str:
    """Another cell is queued behind it."""
    return _when_obeyed(cockpit, COMPUTE.format(2))


def _when_obeyed(cockpit: Cockpit, code: str) -> str:
    """In words, by the ends of this cell and of the next."""
    cockpit.kernel.run("import asyncio")
    first, second = cockpit.kernel.begin(code), cockpit.kernel.send("await asyncio.sleep(1)")
    clicked = cockpit.click("pause")
    obeyed = cockpit.reached(TradingState.PAUSED)
    this, following = cockpit.kernel.end(first), cockpit.kernel.end(second)
    if obeyed < this.ended:
        return f"{(obeyed - clicked).total_seconds() * 1e3:.0f} ms"
    return "when the cell ended" if obeyed < following.ended else "when the next cell ended, too"


def late_and_fresh_clicks(cockpit: Cockpit) -> str:
    """A resume clicked long ago is refused, in words; a fresh one obeyed, also under a cell that was sent long ago."""
    cockpit.paused_by_click()
    cockpit.click("resume", LONG_AGO_S)
    wait_until(lambda: "s late" in _outcome(cockpit), "the refusal is shown", lambda: _outcome(cockpit))
    assert cockpit.client.status().state is TradingState.PAUSED, "a late resume was obeyed"
    cell = cockpit.kernel.begin("import asyncio; await asyncio.sleep(1.5)", LONG_AGO_S)
    cockpit.click("resume")
    cockpit.reached(TradingState.RUNNING)
    ended = cockpit.kernel.end(cell)
    assert not ended.error, ended.error
    return "yes"


def _outcome(cockpit: Cockpit) -> str:
    return cockpit.kernel.run("print(panel.commands.outcome.words)").printed


def the_panel_while_a_cell_computes(cockpit: Cockpit) -> str:
    """Updates leave the kernel from the panel's thread."""
    cell = cockpit.kernel.run(COMPUTE.format(3))
    updates = [message["header"]["date"] for message in cockpit.kernel.heard if message["msg_type"] == "comm_msg"]
    times = [cell.begun, *(at for at in sorted(updates) if cell.begun < at < cell.ended), cell.ended]
    longest_s = max((later - earlier).total_seconds() for earlier, later in pairwise(times))
    assert longest_s < STAND_STILL_S, f"nothing for {longest_s:.1f} s"
    return f"at least every {longest_s:.1f} s"


def a_command_while_a_cell_computes(cockpit: Cockpit) -> str:
    """Pause by the endpoint."""
    cell = cockpit.kernel.begin(COMPUTE.format(2))
    began = time.perf_counter()
    cockpit.client.command("pause", "probe")
    took_s, obeyed = time.perf_counter() - began, datetime.now(UTC)
    assert obeyed < cockpit.kernel.end(cell).ended, "when the cell ended"
    assert took_s < WITHIN_S, f"{took_s * 1e3:.0f} ms"
    return f"{took_s * 1e3:.0f} ms"


def an_interrupt_of_wait(cockpit: Cockpit) -> str:
    """`await kit.wait()` ends, the session does not."""
    cell = cockpit.kernel.begin("print('waiting', flush=True); await kit.wait()")
    cockpit.kernel.until_printed(cell, "waiting")
    return _interrupted(cockpit, cell)


def _interrupted(cockpit: Cockpit, cell: str) -> str:
    took_s, ended = cockpit.kernel.interrupt(cell)
    assert ended.error in ("KeyboardInterrupt", "CancelledError"), ended.error or "no exception"
    assert took_s < AT_ONCE_S, f"{took_s:.1f} s"
    cockpit.goes_on()
    return f"{took_s:.1f} s, {ended.error}"


def tasks_in_wait_sync(cockpit: Cockpit) -> str:
    """A task of the kernel's loop goes on in `kit.wait_sync()`, and an interrupt ends it as above."""
    cockpit.kernel.run(TICKING)
    waiting = "before = ticks\ntry:\n    print('waiting', flush=True)\n    kit.wait_sync()\n"
    cell = cockpit.kernel.begin(waiting + "finally:\n    print('ticks', ticks - before)")
    cockpit.kernel.until_printed(cell, "waiting")
    cockpit.kernel.listen(2.0)
    seen = _interrupted(cockpit, cell)
    ticks = int(cockpit.kernel.printed(cell).split()[-1])
    assert ticks >= 20, f"{ticks} of 40 ticks"
    cockpit.kernel.run("_ = ticking.cancel()")
    return f"yes; {seen}"


def a_click_in_wait_sync(cockpit: Cockpit) -> str:
    """Whether the plain twin lets clicks through as well."""
    cell = cockpit.kernel.begin("print('waiting', flush=True)\nkit.wait_sync()")
    cockpit.kernel.until_printed(cell, "waiting")
    clicked = cockpit.click("pause")
    cockpit.kernel.listen(2.0)
    at_once = cockpit.client.status().state is TradingState.PAUSED
    _interrupted(cockpit, cell)
    obeyed = cockpit.reached(TradingState.PAUSED)
    assert obeyed > clicked
    return "while it waits" if at_once else "when the cell ended"


def a_killed_kernel(cockpit: Cockpit) -> str:
    """SIGKILL to the kernel: the session goes on, the next kernel's kit attaches, its panel commands."""
    pid = cockpit.client.status().pid
    cockpit.kernel.restart()
    cockpit.goes_on()
    assert not cockpit.open_kit(), "a second engine"
    assert cockpit.client.status().pid == pid
    cockpit.open_panel()
    cockpit.paused_by_click()
    return "yes"


def a_kill_while_a_cell_computes(cockpit: Cockpit) -> str:
    """By the endpoint; the session ends, flat and latched."""
    cell = cockpit.kernel.begin(COMPUTE.format(4))
    began = time.perf_counter()
    outcome, status = kill_engine(cockpit.folder, "probe")
    took_s, obeyed = time.perf_counter() - began, datetime.now(UTC)
    assert status == 0, outcome
    assert obeyed < cockpit.kernel.end(cell).ended, "when the cell ended"
    assert took_s < WITHIN_S, f"{took_s * 1e3:.0f} ms"
    wait_until(lambda: not cockpit.folder.owned, "the engine ends")
    assert cockpit.folder.killed.startswith("by probe"), cockpit.folder.killed
    assert cockpit.gateway.truth()["positions"] == [], "something is held"
    return f"{took_s * 1e3:.0f} ms, flat"


Probe = Callable[[Cockpit], str]

PROBES: list[tuple[str, bool, Probe]] = [
    ("top-level await: `await Kit.open()`, `await kit.start()`", True, opened),
    ("a click on the panel, no cell running", True, a_click),
    ("a click too old for what it adds is refused, a fresh one is not", True, late_and_fresh_clicks),
    ("the panel paints while a cell computes", True, the_panel_while_a_cell_computes),
    ("a command by the endpoint while a cell computes", True, a_command_while_a_cell_computes),
    ("an interrupt ends `await kit.wait()`, not the session", True, an_interrupt_of_wait),
    ("tasks go on in `kit.wait_sync()`; an interrupt ends it", True, tasks_in_wait_sync),
    ("a click while a cell awaits, another one queued", False, a_click_in_an_awaiting_cell),
    ("a click while a cell computes, another one queued", False, a_click_in_a_computing_cell),
    ("a click in `kit.wait_sync()`", False, a_click_in_wait_sync),
    ("SIGKILL to the kernel: the next one's kit attaches, its panel commands", True, a_killed_kernel),
    ("a kill by the endpoint while a cell computes", True, a_kill_while_a_cell_computes),
]
