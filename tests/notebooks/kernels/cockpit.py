"""A kernel, a kit with its panel in it, and the session of the simulated gateway that they show and command."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from momentum_kit.config import load_config
from momentum_kit.errors import GuardRefused
from momentum_kit.models.session import TradingState
from momentum_kit.runtime.control import ControlClient, kill_engine
from momentum_kit.runtime.ownership import StateFolder
from tests.chaos.chaos_gateway import Gateway
from tests.chaos.chaos_processes import client_of, configure, wait_until
from tests.notebooks.kernels.live_kernel import LiveKernel

RATE = 20.0  # market seconds a second: 90 minutes last longer than the probes
OPEN = 'from momentum_kit import Kit\nkit = await Kit.open("config/chaos.yaml")'
START = 'await kit.start(until="85m")'


class Cockpit:
    """A kernel, a kit and its panel in it, and the session that they are of."""

    def __init__(self, project: Path, kernel: LiveKernel) -> None:
        self.kernel = kernel
        self.gateway = Gateway(project)
        config = configure(project, self.gateway.port, clock={"rate": RATE})
        self.folder = StateFolder(load_config(config).owner_key)
        self._config = config
        self._buttons: dict[str, str] = {}

    def close(self) -> None:
        """End the session, if it still runs, and its gateway."""
        with suppress(AssertionError):
            if self.folder.owned:
                kill_engine(self.folder, "probe")
                wait_until(lambda: not self.folder.owned, "the engine ends")
        self.gateway.close()

    @property
    def client(self) -> ControlClient:
        """The engine's endpoint, from outside of the kernel."""
        return client_of(self._config)

    def open_kit(self) -> bool:
        """Open the kit in the kernel; True where it started the engine."""
        opened = self.kernel.run(OPEN + "\nprint(kit.started_here)")
        assert not opened.error, opened
        return opened.printed.strip() == "True"

    def open_panel(self) -> None:
        """Show the panel, wait until it takes clicks, and learn its buttons."""
        self.kernel.run("panel = kit.panel()\npanel")
        shut = "print(panel.controls.buttons['pause'].disabled)"
        wait_until(lambda: self.kernel.run(shut).printed.strip() == "False", "the panel takes clicks")
        names = ("pause", "resume")
        told = self.kernel.run("".join(f"print(panel.controls.buttons[{name!r}].model_id)\n" for name in names))
        assert not told.error, told
        self._buttons = dict(zip(names, told.printed.split(), strict=True))

    def start_over(self) -> None:
        """A fresh kernel, its kit and its panel, over the session that goes on."""
        self.kernel.restart()
        if self.folder.owned:
            self.open_kit()
            self.kernel.run(START)
            self.open_panel()

    def click(self, name: str, ago_s: float = 0.0) -> datetime:
        """Click a button, as if so long ago; when."""
        now = datetime.now(UTC)
        self.kernel.click(self._buttons[name], ago_s)
        return now

    def reached(self, state: TradingState) -> datetime:
        """When the session is in a state."""
        wait_until(lambda: self.client.status().state is state, f"the session is {state}")
        return datetime.now(UTC)

    def paused_by_click(self) -> float:
        """Click pause; seconds until the session was."""
        clicked = self.click("pause")
        return (self.reached(TradingState.PAUSED) - clicked).total_seconds()

    def running(self) -> None:
        """Entries on again, for the next probe."""
        with suppress(GuardRefused):  # it is, which is what is wanted
            self.client.command("resume", "probe")
        self.reached(TradingState.RUNNING)

    def goes_on(self) -> None:
        """AssertionError unless market time advances."""
        before = self.client.status().market_time
        wait_until(lambda: self.client.status().market_time > before, "the session goes on")
