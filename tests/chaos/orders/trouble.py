"""What befalls the gateway of a world: faults, lags, people at another screen, and time that passes with nobody there.

Lives in this process and lives in processes of their own share it.
"""

from collections.abc import Iterator
from datetime import timedelta

from momentum_kit.simgateway.broker import Presets
from momentum_kit.simgateway.embedding import Lag, LockStep, ManualTrade
from momentum_kit.simgateway.server import SimulatedGateway
from tests.chaos.orders.truth import Watch
from tests.chaos.orders.worlds import Deed, Lagging, Mishap, World

STEP = timedelta(seconds=1)


class Trouble:
    """Plays the deeds of a world that need no services, and hands on the others when they are due."""

    def __init__(self, world: World, gateway: SimulatedGateway, watch: Watch) -> None:
        self._gateway = gateway
        self._watch = watch
        self._due = list(world.deeds)
        self._lags: list[tuple[int, str]] = []  # when a lag ends, and of what

    def due(self) -> Iterator[Deed]:
        """Play what the present second brings; yield what is for the services: signals, commands, deaths."""
        now = self._watch.second
        for of in [of for at, of in self._lags if at <= now]:
            self._gateway.inject(Lag(of=of, lag_ms=0))
        self._lags = [(at, of) for at, of in self._lags if at > now]
        while self._due and self._due[0].second <= now:
            deed = self._due.pop(0)
            match deed:
                case Lagging():
                    self._gateway.inject(Lag(of=deed.of, lag_ms=deed.lag_ms, lists=deed.lists))
                    self._lags.append((deed.second + deed.for_s, deed.of))
                case Mishap():
                    self._mishap(deed)
                case _:
                    yield deed

    def end(self) -> None:
        """Nothing goes wrong any more, nor is anything left that was to."""
        self._watch.tell("calm")
        hub = self._gateway.hub
        self._due.clear()
        for _, of in self._lags:
            self._gateway.inject(Lag(of=of, lag_ms=0))
        self._lags.clear()
        hub.broker.troubles.presets = Presets()
        hub.broker.troubles.stops.clear()
        hub.broker.troubles.doomed.clear()
        hub.faults.delays._late.clear()
        hub.faults._waiting.clear()
        hub.faults.effects._swallow.clear()
        for session in hub.sessions():
            for fault in getattr(session.filter, "_faults", ()):
                fault.left = 0

    def pass_time(self, seconds: int, items: dict[str, str]) -> None:
        """The market goes on while nobody is there; what was for the services in that time is lost."""
        hub = self._gateway.hub
        for _ in range(seconds):
            hub.advance(hub.now + STEP)
            self._watch.look(connected=False, items=items)
            for _deed in self.due():
                pass
        hub._lock_step = LockStep(hub.market, STEP)

    def _mishap(self, deed: Mishap) -> None:
        fault = deed.fault
        if isinstance(fault, ManualTrade):
            con_id = next(x.con_id for x in self._gateway.hub.market.find(symbol=fault.symbol))
            holding = self._watch.holdings()[con_id]
            # nobody could say whose shares are sold where a person has sold ours before, or sells what nobody has
            most = holding.peoples if holding.peoples > 0 else holding.ours
            if holding.peoples < 0 or (fault.action == "SELL" and most <= 0):
                return
            if fault.action == "SELL":
                fault = fault.model_copy(update={"quantity": min(fault.quantity, int(most))})
        self._gateway.inject(fault)
