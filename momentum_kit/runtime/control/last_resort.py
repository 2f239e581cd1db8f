"""The kill that always does something: through the engine, past one that hangs, and without one."""

from datetime import UTC, datetime

from momentum_kit.errors import EngineError, GuardRefused, OpenPositionsLeft
from momentum_kit.runtime.control.client import PATIENCE_S, ControlClient
from momentum_kit.runtime.ownership import Restriction, StateFolder, last_left


def kill_engine(folder: StateFolder, source: str) -> tuple[str, int]:
    """Kill the session of an account, or latch the account so that none starts; one line and an exit status.

    The status is 0 where all that was asked for is under way, 3 where something may be held that nobody watches, 4
    where nothing runs: there was nothing to kill, and the account is latched all the same.
    An engine that does not answer obeys a stop-file once it wakes, and the line says that it has not yet.
    """
    address = folder.address()
    if address is None:
        return _without_engine(folder, source)
    try:
        return ControlClient(address, folder).command("kill", source, PATIENCE_S), 0
    except EngineError as error:
        if not folder.owned:  # it was just ending
            return _without_engine(folder, source)
        latched = _latch(folder, source)
        folder.leave_command("kill")
        return (
            f"{error}. {latched}; a stop-file kills the session as soon as the engine wakes. "
            f"It is NOT flat by this: look at the account, and end the engine with: kill -9 {address.pid}",
            error.exit_status,
        )


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
