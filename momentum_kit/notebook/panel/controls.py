"""The panel's buttons: pause, resume, reduce-only, flatten, and a kill in two steps."""

import threading
from collections.abc import Callable
from time import monotonic

import ipywidgets as widgets  # type: ignore[import-untyped]

from momentum_kit.config import Config
from momentum_kit.notebook.live_view import EngineContact, SessionCommands, kill_words, offered
from momentum_kit.notebook.panel.click_age import clicked_ago_s
from momentum_kit.pages import tag

ARMED_S = 5.0  # the second step of a kill is open for so long
SLACK_S = 1.0  # a click on a button that was just closing
HINT = "While a cell computes, a click may wait for its end. This never waits, in a terminal: {}"
ACK = ("I have heard it", "What you were paged for is not repeated; what is wrong stays wrong")
BUTTONS = {
    "pause": ("Pause", "No new entries; positions keep their exits"),
    "resume": ("Resume", "Entries again"),
    "reduce_only": ("Reduce only", "No new entries until somebody resumes"),
    "flatten": ("Flatten", "Cancel entries and close every position now; entries stay off"),
}


class Controls:
    """Builds the buttons, hands clicks on as commands, and opens and closes them as the session's state allows."""

    def __init__(self, commands: SessionCommands, contact: EngineContact, config: Config) -> None:
        self._commands = commands
        self._contact = contact
        self._config = config
        self._armed_until = float("-inf")
        self._painting = threading.Lock()  # the panel paints and so does a click: what one began must not end last
        self.buttons = {name: _button(label, tip, name, self._sender(name)) for name, (label, tip) in BUTTONS.items()}
        self.kill = _button("Kill \u2026", "First of two steps: opens the second for 5 s", "kill-ask", self._arm)
        self.confirm = _button("Yes, KILL now", "Flatten, end the session, latch the account", "kill", self._confirm)
        self.confirm.disabled = True
        self.ack = _button(*ACK, "ack", lambda _button: commands.acknowledge())
        self._says = widgets.HTML()
        hint = widgets.HTML(tag("div", HINT.format(config.command("kill")), "mk-hint"))
        row = widgets.HBox(
            [*self.buttons.values(), self.kill, self.confirm, self.ack],
            layout=widgets.Layout(flex_flow="row wrap", grid_gap="6px"),
        )
        self.widget = widgets.VBox([row, self._says, hint])

    def paint(self) -> None:
        """Open and close the buttons; a few times a second."""
        with self._painting:
            self._paint()

    def _paint(self) -> None:
        status, busy, armed = self._contact.status, self._commands.busy, monotonic() < self._armed_until
        for name, button in self.buttons.items():
            button.disabled = not offered(name, status, self._contact.connected, busy)
        self.kill.disabled = armed or "kill" in busy
        self.confirm.disabled = not armed or "kill" in busy
        self._says.value = kill_words(status, self._contact.connected, self._config, ARMED_S) if armed else ""

    def _sender(self, name: str) -> Callable[[object], None]:
        return lambda _button: self._commands.command(name)

    def _arm(self, _button: object) -> None:
        self._armed_until = monotonic() + ARMED_S
        self.paint()

    def _confirm(self, _button: object) -> None:
        # what counts is when it was clicked: a computing cell may have kept it, and a kill is never too late
        if monotonic() - clicked_ago_s() <= self._armed_until + SLACK_S:
            self._armed_until = float("-inf")
            self._commands.kill()


def _button(label: str, tip: str, name: str, clicked: Callable[[object], None]) -> "widgets.Button":
    button = widgets.Button(description=label, tooltip=tip, tabbable=True)
    for css in ("mk-button", f"mk-{name.replace('_', '-')}"):
        button.add_class(css)
    button.on_click(clicked)
    return button
