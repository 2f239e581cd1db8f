"""The panel's threshold sliders: the tuned file's values, and what this session would have signalled by others."""

import math
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets  # type: ignore[import-untyped]

from momentum_kit.config import Thresholds
from momentum_kit.notebook.live_view import JudgedDecisions, SessionCommands, expected_a_session
from momentum_kit.pages import Html, join, tag
from momentum_kit.runtime.control import ThresholdState


@dataclass(frozen=True, slots=True)
class SliderLimit:
    """One limit that can be moved; scale: from its own unit to the one that is shown."""

    name: str
    label: str
    scale: float = 1.0

    @property
    def most(self) -> float:
        """The largest value that the configuration takes, in the limit's own unit."""
        return next(float(each.le) for each in Thresholds.model_fields[self.name].metadata if hasattr(each, "le"))

    def shown(self, thresholds: Thresholds) -> float:
        """The limit in the unit of its slider."""
        return round(float(getattr(thresholds, self.name)) * self.scale, 6)

    def limit(self, shown: float) -> float:
        """Back again."""
        return round(shown / self.scale, 9)


LIMITS = (
    SliderLimit("min_ret_60s", "move in 60 s \u2265 %", 100),
    SliderLimit("min_ret_300s", "or in 300 s \u2265 %", 100),
    SliderLimit("min_z_tod", "z \u2265"),
    SliderLimit("min_rvol_bar", "rvol of 60 s \u2265"),
    SliderLimit("max_spread_bps", "spread \u2264 bps"),
)
REACH = 3.0  # a slider goes to so many times the file's value
STEPS = 20  # a step is this part of the value's power of ten


class HandSlider(widgets.FloatSlider):  # type: ignore[misc]
    """Takes what the browser says of it under a lock: the kernel's thread hears it at any moment."""

    def __init__(self, hand: AbstractContextManager[Any], **given: Any) -> None:
        self._hand = hand
        super().__init__(**given)

    def set_state(self, sync_data: Any) -> None:
        """A hand has moved it."""
        with self._hand:
            super().set_state(sync_data)


class ThresholdSliders:
    """Follows the engine's thresholds; what a hand has moved stays until it is applied or reverted.

    The panel's thread follows while the kernel's thread hears hands: whoever compares sliders with what is in force,
    or moves one, holds the lock, so that no slider is seen or set half-way from one set of thresholds to the next.
    """

    def __init__(self, commands: SessionCommands, locked: str) -> None:
        self._commands = commands
        self._locked = locked  # why nothing may be changed here; empty where it may
        self._state: ThresholdState | None = None
        self._hand = threading.RLock()
        self.sliders = {limit.name: _slider(limit, self._hand) for limit in LIMITS}
        self._notes = {limit.name: widgets.HTML() for limit in LIMITS}
        self.total = widgets.HTML()
        self.apply = _button("Apply", "mk-apply", "All moved limits, as one journalled change")
        self.revert = _button("Back to file", "mk-revert", "The tuned file's limits again, as one journalled change")
        self.apply.on_click(self._on_apply)
        self.revert.on_click(self._on_revert)
        rows = [widgets.VBox([self.sliders[limit.name], self._notes[limit.name]]) for limit in LIMITS]
        grid = widgets.GridBox(rows, layout=_layout("repeat(auto-fit, minmax(min(100%, 140px), 1fr))"))
        buttons = widgets.HBox([self.apply, self.revert], layout=widgets.Layout(grid_gap="6px", margin="6px 0 4px"))
        self.widget = widgets.VBox([grid, self.total, buttons])

    def follow(self, state: ThresholdState) -> None:
        """Show what is in force; a slider that was moved by hand stays where it is."""
        with self._hand:
            moved = self.moved()
            self._state = state
            for limit in LIMITS:
                most = limit.most * limit.scale
                _set_range(self.sliders[limit.name], limit.shown(state.file), limit.shown(state.current), most)
                if limit.name not in moved:
                    self.sliders[limit.name].value = limit.shown(state.current)

    def moved(self) -> dict[str, float]:
        """Limits that a hand has set otherwise than they are in force."""
        found = {}
        with self._hand:
            if self._state is None:
                return {}
            for limit in LIMITS:
                slider, current = self.sliders[limit.name], limit.shown(self._state.current)
                if abs(slider.value - current) >= slider.step / 2:
                    found[limit.name] = limit.limit(slider.value)
        return found

    def paint(self, judged: JudgedDecisions, connected: bool) -> None:
        """Rates beside the sliders, and whether there is anything to apply."""
        with self._hand:
            state, moved = self._state, self.moved()
        usable = connected and not self._locked and state is not None and "thresholds" not in self._commands.busy
        for slider in self.sliders.values():
            slider.disabled = not usable
        self.apply.disabled = not (usable and moved)
        self.revert.disabled = not (usable and (moved or (state is not None and state.changes)))
        if state is None:
            self.total.value = tag("div", "no thresholds known yet", "mk-empty")
            return
        now, tuned = judged.rate(state.current), judged.rate(state.file)
        for limit in LIMITS:
            alone = {limit.name: moved[limit.name]} if limit.name in moved else {}
            rate = judged.rate(state.current.model_copy(update=alone)) if alone else now
            shift = join((" \u2192 this alone ", tag("b", rate.words))) if alone else ""
            file, force = limit.shown(state.file), limit.shown(state.current)
            changed = tag("b", f", in force {force:g}") if force != file else ""
            words = join((f"file {file:g}", changed, Html("<br>signals "), tag("b", now.words), shift))
            self._notes[limit.name].value = tag("div", words, "mk-faint")
        together = judged.rate(state.current.model_copy(update=moved))
        self.total.value = _summary(state, moved, now.words, together.words, self._locked) + tag(
            "div", expected_a_session(state.file, together if moved else now, tuned), "mk-faint"
        )

    def _on_apply(self, _button: object) -> None:
        if moved := self.moved():
            self._commands.tune(moved)

    def _on_revert(self, _button: object) -> None:
        with self._hand:
            state = self._state
            if state is None:
                return
            for limit in LIMITS:
                self.sliders[limit.name].value = limit.shown(state.current)
        if state.changes:
            self._commands.revert()


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


def _slider(limit: SliderLimit, hand: AbstractContextManager[Any]) -> HandSlider:
    slider = HandSlider(
        hand, description=limit.label, continuous_update=False, readout_format=".4g", disabled=True,
        style={"description_width": "initial"}, layout=widgets.Layout(width="98%"),
    )  # fmt: skip
    slider.add_class(f"mk-slider-{limit.name.replace('_', '-')}")
    return slider


def _set_range(slider: "widgets.FloatSlider", file: float, current: float, most: float) -> None:
    size = 10 ** math.floor(math.log10(abs(file) or 1.0))
    low, high = min(0.0, REACH * file, current), min(max(REACH * file, current, size), most)
    with slider.hold_trait_notifications():
        slider.min, slider.max, slider.step = low, high, size / STEPS


def _button(label: str, css: str, tip: str) -> "widgets.Button":
    button = widgets.Button(description=label, tooltip=tip, disabled=True, tabbable=True)
    button.add_class("mk-button")
    button.add_class(css)
    return button


def _layout(columns: str) -> "widgets.Layout":
    return widgets.Layout(grid_template_columns=columns, grid_gap="10px 16px", width="100%", margin="0 0 6px")
