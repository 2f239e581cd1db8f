"""Vouching: pings the dead man's switch while engine, gateway, feeds and alerts are well, from the engine's own loop.

On the loop on purpose: a loop that is held pings nobody.
"""

import asyncio
from collections.abc import Callable

import structlog

from momentum_kit.external import DeadManSwitch
from momentum_kit.models import EngineStatus, LinkState

BEAT_S = 15.0  # wall seconds: services that have heard no beat for so long do nothing
log = structlog.get_logger("engine")


def what_is_wrong(status: EngineStatus, failure: str, alerts_trouble: str) -> str:
    """The first thing that is not well, in words; empty if all is. failure: why the session cannot go on."""
    health = status.health
    news = [layer.detail for layer in status.layers if layer.name == "news" and layer.state is LinkState.DOWN]
    found = {
        failure: bool(failure),
        "the services stand still": status.lags_s.get("beat", 0.0) >= BEAT_S,
        "no gateway": health.socket is not LinkState.UP,
        "the gateway has lost IB": health.broker is not LinkState.UP,
        f"broken farms: {', '.join(health.barring_farms)}": bool(health.barring_farms),
        "another session takes the market data": health.competing_session,
        f"a news tape is not heard: {'; '.join(news)}": bool(news),
        alerts_trouble: bool(alerts_trouble),
    }
    return next((words for words, wrong in found.items() if wrong), "")


class Vouching:
    """switch: None where nobody is to be pinged. trouble(): what_is_wrong now.

    incident(kind, text): tell a human of a switch that cannot be reached.
    """

    def __init__(
        self,
        switch: DeadManSwitch | None,
        every_s: float,
        *,
        trouble: Callable[[], str],
        incident: Callable[[str, str], None],
    ) -> None:
        self._switch = switch
        self._every_s = every_s
        self._trouble = trouble
        self._incident = incident
        self._why = ""  # nobody is pinged, or the ping was not taken
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """The first ping at once, if all is well."""
        if self._switch is not None:
            self._task = asyncio.create_task(self._run(self._switch), name="dead man's switch")

    async def stop(self) -> None:
        """No more pings: a session that has ended vouches for nothing."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._switch is not None:
            await self._switch.close()

    async def _run(self, switch: DeadManSwitch) -> None:
        while True:
            if trouble := self._trouble():
                self._note(f"not pinged: {trouble}")
            elif failure := await switch.ping():
                if self._note(f"not reached: {failure}"):
                    self._incident("dead man's switch", f"it cannot be reached ({failure}) and will raise an alarm")
            else:
                self._note("")
            await asyncio.sleep(self._every_s)

    def _note(self, why: str) -> bool:
        """Log what has changed; True where something has."""
        changed, self._why = why != self._why, why
        if changed:
            log.warning("dead man's switch", why=why) if why else log.info("dead man's switch", why="pinged again")
        return changed
