"""The kill that always does something: through the engine, past one that hangs, and without one."""

import time
from datetime import UTC, datetime

from momentum_kit.errors import EngineError, GuardRefused, OpenPositionsLeft
from momentum_kit.runtime.control import client
from momentum_kit.runtime.ownership import ControlAddress, Restriction, StateFolder, last_left, read_heartbeat

WAKES_WITHIN_S = 2.0  # an engine whose loop runs takes a stop-file within 0.2 s
REPLACED_WITHIN_S = 60.0  # a watchdog waits for some seconds, and the fresh engine has to load and connect


def kill_engine(folder: StateFolder, source: str) -> tuple[str, int]:
    """Kill the session of an account, or latch the account so that none starts; one line and an exit status.

    The status is 0 where all that was asked for is under way, 3 where something may be held that nobody watches, 4
    where nothing runs: there was nothing to kill, and the account is latched all the same.
    An engine that does not answer is left a stop-file. It obeys once it wakes; where it hangs, its watchdog ends it and
    starts a fresh one, which obeys the file instead.
    """
    try:
        address = folder.address()
    except OSError as error:
        seen = f"whether an engine runs cannot be seen ({error}): look at the account"
        raise EngineError(f"{_latch(folder, source)}, but {seen}") from None
    if address is None:
        return _without_engine(folder, source)
    try:
        return client.ControlClient(address, folder).command("kill", source, client.PATIENCE_S), 0
    except EngineError as error:
        if not folder.owned:  # it was just ending
            return _without_engine(folder, source)
        latched = _latch(folder, source)
        folder.leave_command("kill")
        words, done = _taken(folder, address)
        return (f"{latched}: {words}", 0) if done else (f"{error}. {latched}; {words}", error.exit_status)


def _taken(folder: StateFolder, hangs: ControlAddress) -> tuple[str, bool]:
    """Who takes the stop-file: the engine that woke, or the one that its watchdog starts; True where somebody has."""
    deadline = time.monotonic() + (REPLACED_WITHIN_S if hangs.watched else WAKES_WITHIN_S)
    while time.monotonic() < deadline:
        if not folder.commanded:
            last = read_heartbeat(folder)  # given before the file is taken
            if last is None or last.pid == hangs.pid:
                return f"the engine (pid {hangs.pid}) woke, is killed and gets flat", True
            hung = f"the engine (pid {hangs.pid}) hung and was ended"
            return f"{hung}; a fresh one (pid {last.pid}) took over, is killed and gets flat", True
        if not folder.owned:
            return f"it has ended, and no other one came up: it is NOT flat by this; {last_left(folder)[0]}", False
        time.sleep(0.05)
    return (
        f"a stop-file kills the session as soon as the engine wakes. It is NOT flat by this, and no watchdog has ended "
        f"process {hangs.pid}: look at the account, and restart the kernel, service or machine that it belongs to"
    ), False


def _without_engine(folder: StateFolder, source: str) -> tuple[str, int]:
    latched = _latch(folder, source)
    if folder.owned:  # one that is starting meets the latch, or the file if it is past the latch
        folder.leave_command("kill")
        return f"an engine is starting: {latched}, and it is killed as soon as it is up", 0
    words, status = last_left(folder)
    held = status == OpenPositionsLeft.exit_status
    return (
        f"no engine runs: nothing was killed and positions are NOT watched; {latched}. {words[0].upper()}{words[1:]}",
        status if held else GuardRefused.exit_status,
    )


def _latch(folder: StateFolder, source: str) -> str:
    folder.create()
    if not folder.killed:
        folder.latch(Restriction("kill", f"by {source} at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"))
    return "the account is latched, no session starts until it is cleared"
