"""The tuner's widgets: sliders that turn a study's dials, views that follow every step, and one click to the tape."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets  # type: ignore[import-untyped]

from momentum_kit.errors import MomentumKitError
from momentum_kit.notebook.html import STYLE
from momentum_kit.pages import Html, clock, join, number, tag
from momentum_kit.research.tuner import (
    Dial,
    Signal,
    TunerView,
    Tuning,
    days_chart,
    face,
    gains_words,
    head,
    heat_chart,
    moved_words,
)

VIEWS = ("head", "face", "moved", "heat", "days", "gains", "headline", "says")
NO_EVENT = "Choose an event: its headline and its tape."


class Tuner:
    """Draws a tuning at every step of a slider. tape: the picture of an event's row (`study.tape_plot`)."""

    def __init__(self, tuning: Tuning, tape: Callable[[Mapping[str, Any]], Any]) -> None:
        self.tuning = tuning
        self._tape = tape
        self._following = False  # while sliders, sides and rows are set to what the tuning says
        self._signals: tuple[Signal, ...] = ()
        self._told: dict[int, str] = {}  # row of an event to its words in the list
        self.views = {name: widgets.HTML() for name in VIEWS}
        self.sliders: dict[str, widgets.SelectionSlider] = {}
        self.sides = [_dropdown(side) for side in ("across", "up")]
        self.undo = _button("Undo", "undo", "The last turn, taken back")
        self.name = widgets.Text(placeholder="name", layout=widgets.Layout(width="120px"))
        self.name.add_class("mk-candidate")
        self.save = _button("Save as candidate", "save", "Thresholds and exit rule as files in the study's folder")
        self.held = _dropdown("held")
        self.open = _button("Open this dial", "open", "More cells: each is one more trial on these days")
        self.events = widgets.Select(rows=9, layout=widgets.Layout(width="100%"))
        self.tape = widgets.Image(format="png", layout=widgets.Layout(width="100%", max_width="900px", display="none"))
        self._dials = widgets.VBox()
        self._build()
        self.widget = _arranged(self)
        self.undo.on_click(self._on_undo)
        self.save.on_click(self._on_save)
        self.open.on_click(self._on_open)
        for side in self.sides:
            side.observe(self._on_side, "value")
        self.held.observe(self._on_held, "value")
        self.events.observe(self._on_event, "index")

    def _repr_mimebundle_(self, **arguments: Any) -> Any:
        """The widget, and for a page without a kernel behind it what stands there now."""
        shown = self.widget._repr_mimebundle_(**arguments)
        bundle, *rest = shown if isinstance(shown, tuple) else (shown,)
        whole = {**bundle, "text/html": self.tuning._repr_html_(), "text/plain": repr(self.tuning)}
        return (whole, *rest) if rest else whole

    def draw(self) -> None:
        """Everything that depends on where the dials stand."""
        tuning = self.tuning
        view, caption, e = tuning.view(), tuning.caption, tuning.exploration
        shown = {
            "head": head(e, caption), "face": face(e, view, caption), "moved": moved_words(view),
            "heat": heat_chart(e, view.plane), "days": days_chart(e, view), "gains": gains_words(view, caption),
        }  # fmt: skip
        for name, markup in shown.items():
            self.views[name].value = tag("div", markup, "mk")
        self.undo.disabled = not tuning.undoable
        self._list(view)

    def _build(self) -> None:
        """Sliders, sides and held dials for the dials that are open now."""
        tuning = self.tuning
        self._following = True
        self.sliders = {dial.name: self._slider(dial) for dial in tuning.dials.all if len(dial.values) > 1}
        turnable = [dial for dial in tuning.dials.all if dial.name in self.sliders]
        thresholds, exits = (
            [self.sliders[dial.name] for dial in turnable if dial.is_exit is is_exit] for is_exit in (False, True)
        )
        titles = [widgets.HTML(tag("div", words, "mk-caption")) for words in ("Thresholds", "Exit rule")]
        self._dials.children = [titles[0], *thresholds, *([titles[1], *exits] if exits else [])]
        several = [(dial.label.words, dial.name) for dial in turnable]
        for side, name in zip(self.sides, tuning.map_sides or (), strict=False):
            side.options, side.value = several, name
        held = tuning.dials.held
        self.held.options = [(f"{dial.label.words}: {dial.words(0)}", dial.name) for dial in held]
        self.held.value = held[0].name if held else None
        self._following = False
        self._on_held(None)
        self.draw()

    def _slider(self, dial: Dial) -> "widgets.SelectionSlider":
        place = self.tuning.dials.place(dial.name)
        slider = widgets.SelectionSlider(
            options=[(dial.label.value(value), step) for step, value in enumerate(dial.values)],
            value=self.tuning.position[place], description=dial.label.text, continuous_update=True,
            style={"description_width": "initial"}, layout=widgets.Layout(width="98%"),
        )  # fmt: skip
        slider.add_class(f"mk-dial-{dial.name.replace('_', '-')}")
        slider.observe(lambda change: self._on_turn(dial.name, change["new"]), "value")
        return slider

    def _list(self, view: TunerView) -> None:
        """Gained and lost events, a row each; the chosen one stays chosen while it is listed."""
        chosen = self._signals[self.events.index] if self.events.index is not None else None
        listed = [("gained", each) for each in view.gained] + [("lost", each) for each in view.lost]
        self._signals = tuple(each for _, each in listed)
        rows = [self._row(sign, each) for sign, each in listed]
        self._following = True
        self.events.options = [(words, number_) for number_, words in enumerate(rows)]
        kept = next((at for at, each in enumerate(self._signals) if chosen and each.row == chosen.row), None)
        self.events.index = kept
        self._following = False

    def _row(self, sign: str, signal: Signal) -> str:
        if signal.row not in self._told:  # a row of a frame costs more than the rest of a redraw
            event = self.tuning.event(signal)
            at = f"{event['day']:%m-%d} {clock(event['received_at'])}"
            self._told[signal.row] = f"{at} {event['symbol']}  {event['text']}"
        net = f"{number(signal.net_bps, 0, plus=True)} bps" if math.isfinite(signal.net_bps) else "no fill"
        return f"{sign} {net:>9}  {self._told[signal.row]}"

    def _on_turn(self, name: str, step: int) -> None:
        if not self._following:
            self.tuning.turn(name, step)
            self.draw()

    def _on_undo(self, _button: object) -> None:
        self.tuning.undo()
        self._following = True
        for dial, step in zip(self.tuning.dials.all, self.tuning.position, strict=True):
            if dial.name in self.sliders:
                self.sliders[dial.name].value = step
        self._following = False
        self.draw()

    def _on_side(self, change: Mapping[str, Any]) -> None:
        if self._following:
            return
        x, y = (side.value for side in self.sides)
        if x == y:  # the other side gives way to what this one was
            other = next(side for side in self.sides if side is not change["owner"])
            other.value = change["old"]
            return
        self.tuning.map_sides = x, y
        self.draw()

    def _on_held(self, _change: object) -> None:
        if self._following:
            return
        self.open.disabled = self.held.value is None
        if self.held.value is not None:
            added = self.tuning.dials.with_dial(self.held.value).size - self.tuning.dials.size
            self.open.description = f"Open this dial: up to {added:,} trials more"

    def _on_open(self, _button: object) -> None:
        name = self.held.value
        self.open.disabled = True
        self._say("Pricing, sweeping and booking \u2026")
        try:
            added = self.tuning.open_dial(name)
        except MomentumKitError as error:
            self._say(str(error), bad=True)
            self.open.disabled = False
            return
        self._say(f"{added:,} trials were added by opening it.")
        self._build()

    def _on_save(self, _button: object) -> None:
        try:
            saved = self.tuning.save(self.name.value.strip())
        except MomentumKitError as error:
            self._say(str(error), bad=True)
            return
        self._say(f"Kept as {saved.thresholds}, SELECTED and not judged. Next: {saved.next_step}.")

    def _on_event(self, _change: object) -> None:
        if self._following or self.events.index is None:
            return
        signal = self._signals[self.events.index]
        event = self.tuning.event(signal)
        about = (
            f"{event['provider']}, {event['catalyst']}, {event['day']:%Y-%m-%d} {clock(event['received_at'])} New York"
        )
        words = join((tag("b", event["symbol"]), " ", event["text"], Html("<br>"), tag("span", about, "mk-faint")))
        self.views["headline"].value = tag("div", words, "mk mk-words")
        try:
            self.tape.value = self._tape(event)._repr_png_()
            self.tape.layout.display = ""
        except MomentumKitError as error:
            self.tape.layout.display = "none"
            self._say(str(error), bad=True)

    def _say(self, words: str, bad: bool = False) -> None:
        self.views["says"].value = tag("div", words, f"mk mk-words{' mk-words-bad' if bad else ''}", role="status")


def _button(label: str, css: str, tip: str) -> "widgets.Button":
    button = widgets.Button(description=label, tooltip=tip, tabbable=True, layout=widgets.Layout(width="auto"))
    button.add_class("mk-button")
    button.add_class(f"mk-{css}")
    return button


def _dropdown(name: str) -> "widgets.Dropdown":
    found = widgets.Dropdown(layout=widgets.Layout(width="180px"))
    found.add_class(f"mk-{name}")
    return found


def _arranged(tuner: Tuner) -> "widgets.VBox":
    """Numbers above, dials to the left of the map and the days, events and their tape below."""
    for name, view in tuner.views.items():
        view.add_class(f"mk-{name}")
    views = tuner.views
    wrap = widgets.Layout(flex_flow="row wrap", grid_gap="6px", align_items="center")
    across, up = tuner.sides
    words = [widgets.HTML(tag("span", each, "mk mk-faint")) for each in ("Map of", "by", "Held, not tried:")]
    kept = widgets.HBox([tuner.undo, tuner.name, tuner.save], layout=wrap)
    opened = widgets.HBox([words[2], tuner.held, tuner.open], layout=wrap)
    dials = widgets.VBox([tuner._dials, kept], layout=widgets.Layout(flex="1 1 260px", min_width="240px"))
    sides = widgets.HBox([words[0], across, words[1], up], layout=wrap)
    map_ = widgets.VBox(
        [sides, views["heat"], views["days"]], layout=widgets.Layout(flex="2 1 400px", min_width="300px")
    )
    row = widgets.HBox([dials, map_], layout=widgets.Layout(flex_flow="row wrap", grid_gap="8px 20px"))
    listed = widgets.VBox([views["gains"], tuner.events], layout=widgets.Layout(flex="1 1 420px", min_width="300px"))
    tape = widgets.VBox([views["headline"], tuner.tape], layout=widgets.Layout(flex="1 1 420px", min_width="300px"))
    below = widgets.HBox([listed, tape], layout=widgets.Layout(flex_flow="row wrap", grid_gap="8px 20px"))
    style = widgets.HTML(STYLE, layout=widgets.Layout(display="none"))
    views["headline"].value = tag("div", NO_EVENT, "mk mk-faint")
    whole = widgets.VBox([style, views["head"], views["face"], views["moved"], row, below, opened, views["says"]])
    for css in ("mk", "mk-panel", "mk-tuner"):
        whole.add_class(css)
    return whole
