"""Tuning: the dials of a study in somebody's hand: where they stand, what that shows, the way back, and a candidate.

    tuning = study.tuning()                 prices and books the whole grid, once
    tuning.turn("max_spread_bps", 4)        to a step of one dial; adds no trial
    tuning.view()                           what stands there (view.py)
    tuning.undo()
    tuning.save("tighter")                  thresholds and exit rule as files, for validation

`study.tuner()` in a notebook is the same with widgets.
"""

import dataclasses
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from momentum_kit.errors import ResearchError, StorageError
from momentum_kit.pages import Block, Shown, warnings_of
from momentum_kit.research.sweep import SweepDefinition
from momentum_kit.research.tuner.dials import Dials
from momentum_kit.research.tuner.exploration import Exploration
from momentum_kit.research.tuner.picture import in_words, still
from momentum_kit.research.tuner.view import Position, Signal, TunerCaption, TunerView, look

MOST_UNDONE = 500
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What was saved: the files of thresholds and exit rule. next_step: how it gets a verdict."""

    thresholds: Path
    exits: Path
    next_step: str


class Tuning(Shown):
    """Where the dials stand, and what they show. Turning stays inside what was booked; `open_dial` books more."""

    def __init__(
        self, explore: Callable[[Dials], Exploration], dials: Dials, *, folder: Path, against: str, sealed: str
    ) -> None:
        """explore: prices and books the dials. folder: of the study. against: name of the file gains are counted from.

        sealed: the days that are not looked at, in words.
        """
        self._explore = explore
        self._folder = folder
        self._before: list[tuple[Position, str]] = []
        self.exploration = explore(dials)
        self.caption = TunerCaption(against=against, sealed=sealed, new_trials=self.exploration.new_trials)
        self.position: Position = self.exploration.start
        self.moved = ""
        self.map_sides = self._first_sides()

    @property
    def dials(self) -> Dials:
        """The open ones, and what the others are held at."""
        return self.exploration.dials

    def turn(self, name: str, step: int) -> None:
        """Put one open dial to one of its steps; ResearchError for what is not there."""
        place = self.dials.place(name)
        position = (*self.position[:place], step, *self.position[place + 1 :])
        self.dials.thresholds(position)
        if position != self.position:
            self._before = [*self._before[-MOST_UNDONE:], (self.position, self.moved)]
        self.position, self.moved = position, name

    @property
    def undoable(self) -> int:
        """How many turns can be taken back."""
        return len(self._before)

    def undo(self) -> None:
        """Take the last turn back; nothing where there is none."""
        if self._before:
            self.position, self.moved = self._before.pop()

    def open_dial(self, name: str, values: Iterable[float] = ()) -> int:
        """Open a held dial, or give an open one other steps: a new grid, booked whole. Returns the trials added.

        values: None for the suggested ones. The other dials stay where they are, as far as they have that step.
        """
        stood = {dial.name: dial.values[step] for dial, step in zip(self.dials.all, self.position, strict=True)}
        self.exploration = self._explore(self.dials.with_dial(name, values))
        added = self.exploration.new_trials
        self.caption = dataclasses.replace(self.caption, new_trials=self.caption.new_trials + added)
        places = [
            dial.values.index(stood.get(dial.name, self.dials.held_at(dial.name)))
            if stood.get(dial.name, self.dials.held_at(dial.name)) in dial.values
            else start
            for dial, start in zip(self.dials.all, self.exploration.start, strict=True)
        ]
        self.position, self.moved, self._before = tuple(places), name, []
        if not set(self.map_sides or ()) <= {dial.name for dial in self.dials.all}:
            self.map_sides = self._first_sides()
        return added

    def view(self) -> TunerView:
        """Everything that stands at the position; the map over `map_sides`."""
        x, y = self.map_sides or ("", "")
        return look(self.exploration, self.position, moved=self.moved, x=x, y=y)

    def event(self, signal: Signal) -> dict[str, Any]:
        """The row of a gained or lost event: its headline, and what `study.tape_plot` takes."""
        row = self.exploration.table.events.iloc[signal.row]
        return {str(name): value for name, value in row.items()}

    def save(self, name: str) -> Candidate:
        """Keep where the dials stand as `candidates/NAME.yaml` and `NAME.exits.yaml` in the study's folder.

        The whole grid becomes the sweep that `validate` judges, where the events hold this exit rule. Raises
        ResearchError for a bad or taken name.
        """
        if not _NAME.fullmatch(name):
            raise ResearchError(f"candidate: {name!r} is no name for a file; use small letters, digits, _ and -")
        view, folder = self.view(), self._folder / "candidates"
        limits = view.thresholds.model_copy(update={"name": name}).model_dump(mode="json", exclude={"export"})
        rule = {key: value for key, value in dataclasses.asdict(view.exit_rule).items() if key != "name"}
        told = f"# {' '.join(in_words(self.exploration, view).split())}\n"
        files = {
            folder / f"{name}.yaml": told + "# Picked by hand and not judged: a live session refuses it.\n",
            folder / f"{name}.exits.yaml": told,
        }
        contents: tuple[Any, Any] = limits, {view.exit_rule.name: rule}
        if taken := next((file for file in files if file.exists()), None):
            raise ResearchError(f"candidate: {taken} exists already; choose another name")
        for (file, head), content in zip(files.items(), contents, strict=True):
            _write(file, head + yaml.safe_dump(content, sort_keys=False, width=120))
        thresholds, exits = files
        if view.exit_rule.name not in self.exploration.table.net_bps:
            step = f"build the events with --exits {exits}, sweep this grid, then validate"
        else:
            definition = SweepDefinition(self.dials.grid, self.dials.base, (view.exit_rule.name,))
            definition.save(self._folder / "sweep.json")
            step = "validate judges the plateau of this whole grid, not the cell that a hand picked"
        return Candidate(thresholds=thresholds, exits=exits, next_step=step)

    def blocks(self) -> list[Block]:
        """Marks, and the picture as it stands."""
        view = self.view()
        marks = warnings_of(self.exploration.table.marks)
        return [
            *marks,
            Block("picture", in_words(self.exploration, view), picture=still(self.exploration, view, self.caption)),
        ]

    def summary(self) -> dict[str, Any]:
        """Plain values: where the dials stand and what that shows."""
        view = self.view()
        return {
            "thresholds": view.thresholds.model_dump(mode="json", exclude={"export"}),
            "exit_rule": view.exit_rule.name, "signals": view.signals, "fills": view.fills,
            "net_bps": view.net.estimate, "low_bps": view.net.low, "high_bps": view.net.high, "dsr": view.dsr,
            "trials": self.exploration.trials, "new_trials": self.caption.new_trials, "gained": view.gained_count,
            "lost": view.lost_count, "marks": list(self.exploration.table.marks),
        }  # fmt: skip

    def _first_sides(self) -> tuple[str, str] | None:
        """The two dials with most steps, in their order; None where there is only one."""
        several = [dial for dial in self.dials.all if len(dial.values) > 1 and not dial.is_exit]
        several += [dial for dial in self.dials.all if len(dial.values) > 1 and dial.is_exit]
        chosen = sorted(several, key=lambda dial: -len(dial.values))[:2]
        return (chosen[0].name, chosen[1].name) if len(chosen) == 2 else None


def _write(file: Path, text: str) -> None:
    """Whole or not at all."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        raise StorageError(f"candidate: {file}: {error.strerror or error}") from None
