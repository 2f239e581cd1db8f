"""The live-control panel: fed by the engine's event stream, painted a few times a second on a thread of its own."""

import threading
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import ipywidgets as widgets  # type: ignore[import-untyped]
import structlog

from momentum_kit.config import Config
from momentum_kit.errors import MomentumKitError
from momentum_kit.notebook.html import STALE_S, STYLE, positions_table, vitals
from momentum_kit.notebook.live_view import (
    SessionCommands,
    SessionFollower,
    equity_curve,
    head,
    headlines_table,
    log_tail,
    orders_table,
    signals_table,
)
from momentum_kit.notebook.panel.click_age import clicked_ago_s
from momentum_kit.notebook.panel.controls import Controls
from momentum_kit.notebook.panel.threshold_sliders import ThresholdSliders
from momentum_kit.pages import tag
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.ownership import StateFolder

PAINT_S = 0.25  # wall seconds between two paintings of lights and buttons
TABLES_S = 0.5  # of tables and curve, where something is new
RATES_S = 2.0  # of the sliders' rates, which judge everything again; at once where a slider moves
VIEWS = ("head", "positions", "equity", "headlines", "signals", "orders", "engine", "log")
STALE = (
    f"This panel has heard nothing from its kernel for {STALE_S} s: what stands below is OLD and its buttons may do "
    "nothing. The session goes on without it; in a terminal: momentum-kit status {0}, momentum-kit kill {0}."
)
LOCKED = "This environment trades only thresholds that research exported: nothing can be changed here."

HEIGHTS = {
    "positions": "206px", "equity": "206px", "headlines": "330px", "signals": "250px", "engine": "250px",
    "orders": "250px", "log": "200px",
}  # fmt: skip
"""At most so much; two that stand side by side alike."""

log = structlog.get_logger("panel")
_open: dict[Path, "Panel"] = {}  # one an account: a cell that is run again must not open a second stream


def open_panel(config: Config) -> "Panel":
    """The panel of an account in this kernel: the one that is open, or a new one."""
    key = StateFolder.of(config).path
    if key not in _open or _open[key].closed:
        _open[key] = Panel(config)
    return _open[key]


class Panel:
    """Shows one account's session, whichever engine runs it, and takes commands. `close` ends its threads."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._folder = StateFolder.of(config)
        self._follower = SessionFollower(self._folder)
        self.contact = self._follower.contact
        self.commands = SessionCommands(
            self._folder, self.contact, source="panel", clicked_ago_s=lambda: clicked_ago_s()
        )
        self.controls = Controls(self.commands, self.contact, config)
        self.threshold_sliders = ThresholdSliders(
            self.commands, LOCKED if config.detection.thresholds_must_be_exported else ""
        )
        self.views = {name: widgets.HTML() for name in VIEWS}
        self._painted: dict[str, object] = {}
        self._painted_at: dict[str, float] = {}
        self._beat = 0
        self._closing = threading.Event()
        self.widget = arrange(self.views, self.controls.widget, self.threshold_sliders.widget)
        self._turn()
        self._follower.start()
        self._thread = threading.Thread(target=self._run, name="panel", daemon=True)
        self._thread.start()

    @property
    def closed(self) -> bool:
        """True once nothing is updated any more."""
        return self._closing.is_set()

    def close(self) -> None:
        """End the threads; what is shown stays as it is and says so."""
        self._closing.set()
        self._follower.close()
        self._thread.join()

    def _repr_mimebundle_(self, **arguments: Any) -> Any:
        return self.widget._repr_mimebundle_(**arguments)

    # -- the panel's thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.wait(PAINT_S):
            try:
                self._turn()
            except Exception:  # one painting that failed must not be the last one: the next shows the session again
                log.exception("the panel was not painted")

    def _turn(self) -> None:
        """Take what came, paint what is due."""
        self._follower.take()
        self._follow_thresholds()
        self._paint()

    def _follow_thresholds(self) -> None:
        status = self.contact.status
        shown = self._follower.contacts, status.thresholds_hash if status else ""
        if status is None or not self.contact.connected or self._painted.get("thresholds") == shown:
            return
        address = self._folder.address()
        if address is None:
            return
        try:
            state = ControlClient(address, self._folder).thresholds()
        except MomentumKitError as error:
            log.warning("the thresholds were not read", error=str(error))
            return
        self._painted["thresholds"] = shown
        self.threshold_sliders.follow(state)
        self._painted.pop("rates", None)

    def _paint(self) -> None:
        self._beat += 1
        self.views["head"].value = head(self.contact, self._config, self.commands.outcome, self._beat, STALE)
        self.controls.paint()
        record, status, contacts = self._follower.record, self.contact.status, self._follower.contacts
        if self._due("tables", TABLES_S, (contacts, record.version, status)):
            self.views["headlines"].value = headlines_table(record)
            self.views["signals"].value = signals_table(record)
            self.views["orders"].value = orders_table(record)
            self.views["equity"].value = equity_curve(record.curve)
            self.views["log"].value = log_tail(record)
            self.views["positions"].value = positions_table(status.positions if status else ())
            self.views["engine"].value = vitals(status) if status else ""
        moved = tuple(self.threshold_sliders.moved().items()), self.contact.connected, self.commands.busy
        if self._painted.get("moved") != moved or self._due("rates", RATES_S, (contacts, record.version)):
            self._painted["moved"] = moved
            self.threshold_sliders.paint(record.judged, self.contact.connected)

    def _due(self, what: str, every_s: float, version: object) -> bool:
        """True where something is new, and the last painting long enough ago."""
        if self._painted.get(what) == version or monotonic() - self._painted_at.get(what, float("-inf")) < every_s:
            return False
        self._painted[what], self._painted_at[what] = version, monotonic()
        return True


def arrange(
    views: "Mapping[str, widgets.HTML]", controls: "widgets.Widget", sliders: "widgets.Widget"
) -> "widgets.VBox":
    """The panel's widget; nothing in it needs a script of ours in the browser."""
    for name, view in views.items():
        view.add_class(f"mk-{name}")
        if name != "head":
            view.add_class("mk-box")
            view.layout.max_height = HEIGHTS.get(name)
    pairs = [("positions", "equity"), ("signals", "engine")]
    thresholds = widgets.VBox([widgets.HTML(tag("div", "Thresholds", "mk-caption")), sliders])
    for css in ("mk-box", "mk-panel-thresholds"):
        thresholds.add_class(css)
    controls.add_class("mk-controls")
    rows = [_row(*(views[name] for name in pair)) for pair in pairs]
    below = (thresholds, views["headlines"], rows[1], views["orders"], views["log"])
    panel = widgets.VBox(
        [widgets.HTML(STYLE, layout=widgets.Layout(display="none")), views["head"], controls, rows[0], *below]
    )
    for css in ("mk", "mk-panel"):
        panel.add_class(css)
    return panel


def _row(*parts: "widgets.Widget") -> "widgets.GridBox":
    columns = "repeat(auto-fit, minmax(min(100%, 370px), 1fr))"
    return widgets.GridBox(parts, layout=widgets.Layout(grid_template_columns=columns, grid_gap="8px", width="100%"))
