"""The panel's threshold sliders: the tuned file's values, and what this session would have signalled by others."""

import math
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets  # type: ignore[import-untyped]

from momentum_kit.config import Thresholds
from momentum_kit.notebook.panel.desk import CommandDesk
from momentum_kit.notebook.panel.rates import Judged, expected_a_session
from momentum_kit.pages import Html, join, tag
from momentum_kit.runtime.control import ThresholdState


@dataclass(frozen=True, slots=True)
class Dial:
    """One limit that can be moved; scale: from its own unit to the one that is shown."""

    name: str
    label: str
    scale: float = 1.0

    def shown(self, thresholds: Thresholds) -> float:
        """The limit in the unit of its slider."""
        return round(float(getattr(thresholds, self.name)) * self.scale, 6)

    def limit(self, shown: float) -> float:
        """Back again."""
        return round(shown / self.scale, 9)


DIALS = (
    Dial("min_ret_60s", "move in 60 s \u2265 %", 100),
    Dial("min_ret_300s", "or in 300 s \u2265 %", 100),
    Dial("min_z_tod", "z \u2265"),
    Dial("min_rvol_bar", "rvol of 60 s \u2265"),
    Dial("max_spread_bps", "spread \u2264 bps"),
)
REACH = 3.0  # a slider goes to so many times the file's value
STEPS = 20  # a step is this part of the value's power of ten


class Dials:
    """Follows the engine's thresholds; what a hand has moved stays until it is applied or reverted."""

    def __init__(self, desk: CommandDesk, locked: str) -> None:
        self._desk = desk
        self._locked = locked  # why nothing may be changed here; empty where it may
        self._state: ThresholdState | None = None
        self.sliders = {dial.name: _slider(dial) for dial in DIALS}
        self._notes = {dial.name: widgets.HTML() for dial in DIALS}
        self.total = widgets.HTML()
        self.apply = _button("Apply", "mk-apply", "All moved limits, as one journalled change")
        self.revert = _button("Back to file", "mk-revert", "The tuned file's limits again, as one journalled change")
        self.apply.on_click(self._on_apply)
        self.revert.on_click(self._on_revert)
        rows = [widgets.VBox([self.sliders[dial.name], self._notes[dial.name]]) for dial in DIALS]
        grid = widgets.GridBox(rows, layout=_layout("repeat(auto-fit, minmax(min(100%, 140px), 1fr))"))
        buttons = widgets.HBox([self.apply, self.revert], layout=widgets.Layout(grid_gap="6px", margin="6px 0 4px"))
        self.widget = widgets.VBox([grid, self.total, buttons])

    def follow(self, state: ThresholdState) -> None:
        """Show what is in force; a slider that was moved by hand stays where it is."""
        moved = self.moved()
        self._state = state
        for dial in DIALS:
            _set_range(self.sliders[dial.name], dial.shown(state.file), dial.shown(state.current))
            if dial.name not in moved:
                self.sliders[dial.name].value = dial.shown(state.current)

    def moved(self) -> dict[str, float]:
        """Limits that a hand has set otherwise than they are in force."""
        if self._state is None:
            return {}
        found = {}
        for dial in DIALS:
            slider, current = self.sliders[dial.name], dial.shown(self._state.current)
            if abs(slider.value - current) >= slider.step / 2:
                found[dial.name] = dial.limit(slider.value)
        return found

    def paint(self, judged: Judged, connected: bool) -> None:
        """Rates beside the sliders, and whether there is anything to apply."""
        state, moved = self._state, self.moved()
        usable = connected and not self._locked and state is not None and "thresholds" not in self._desk.busy
        for slider in self.sliders.values():
            slider.disabled = not usable
        self.apply.disabled = not (usable and moved)
        self.revert.disabled = not (usable and (moved or (state is not None and state.changes)))
        if state is None:
            self.total.value = tag("div", "no thresholds known yet", "mk-empty")
            return
        now, tuned = judged.rate(state.current), judged.rate(state.file)
        for dial in DIALS:
            alone = {dial.name: moved[dial.name]} if dial.name in moved else {}
            rate = judged.rate(state.current.model_copy(update=alone)) if alone else now
            shift = join((" \u2192 this alone ", tag("b", rate.words))) if alone else ""
            file, force = dial.shown(state.file), dial.shown(state.current)
            changed = tag("b", f", in force {force:g}") if force != file else ""
            words = join((f"file {file:g}", changed, Html("<br>signals "), tag("b", now.words), shift))
            self._notes[dial.name].value = tag("div", words, "mk-faint")
        together = judged.rate(state.current.model_copy(update=moved))
        self.total.value = _summary(state, moved, now.words, together.words, self._locked) + tag(
            "div", expected_a_session(state.file, together if moved else now, tuned), "mk-faint"
        )

    def _on_apply(self, _button: object) -> None:
        if moved := self.moved():
            self._desk.tune(moved)

    def _on_revert(self, _button: object) -> None:
        state = self._state
        if state is None:
            return
        for dial in DIALS:
            self.sliders[dial.name].value = dial.shown(state.current)
        if state.changes:
            self._desk.revert()


def _summary(state: ThresholdState, moved: dict[str, Any], now: str, then: str, locked: str) -> Html:
    if locked:
        return tag("div", locked, "mk-words")
    name = f"in force: {state.current.name} {state.hash}" + (" (changed by hand)" if state.changes else " (the file's)")
    heard = join((name, "; signals of the items heard so far: ", tag("b", now)))
    if not moved:
        return tag("div", heard)
    return tag(
        "div", join((heard, "; with what you moved: ", tag("b", then), ". Not applied yet.")), "mk-words mk-words-warn"
    )


def _slider(dial: Dial) -> "widgets.FloatSlider":
    slider = widgets.FloatSlider(
        description=dial.label, continuous_update=False, readout_format=".4g", disabled=True,
        style={"description_width": "initial"}, layout=widgets.Layout(width="98%"),
    )  # fmt: skip
    slider.add_class(f"mk-dial-{dial.name.replace('_', '-')}")
    return slider


def _set_range(slider: "widgets.FloatSlider", file: float, current: float) -> None:
    size = 10 ** math.floor(math.log10(abs(file) or 1.0))
    low, high = min(0.0, REACH * file, current), max(REACH * file, current, size)
    with slider.hold_trait_notifications():
        slider.min, slider.max, slider.step = low, high, size / STEPS


def _button(label: str, css: str, tip: str) -> "widgets.Button":
    button = widgets.Button(description=label, tooltip=tip, disabled=True, tabbable=True)
    button.add_class("mk-button")
    button.add_class(css)
    return button


def _layout(columns: str) -> "widgets.Layout":
    return widgets.Layout(grid_template_columns=columns, grid_gap="10px 16px", width="100%", margin="0 0 6px")
