"""Speed of the tuner on 100,000 events: what a step of a dial takes until its markup is there, and an opening."""

import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from momentum_kit.config import Thresholds
from momentum_kit.notebook.tuner.tuner import Tuner
from momentum_kit.research.events import EventTable, ExitRule
from momentum_kit.research.sweep import TrialLedger
from momentum_kit.research.tuner import Dials, Exploration, Tuning, explore
from momentum_kit.runtime.bench import Row

STEPS = 60
EXITS = {"target_r": (1, 2, 3), "time_stop_s": (300, 900)}


def tuning_of(table: EventTable, axes: dict[str, tuple[float, ...]], base: Thresholds, folder: Path) -> Tuning:
    """A tuning of made-up events; other exit rules net a little more or less. folder: of its ledger."""
    name = next(iter(table.net_bps))
    rule = ExitRule(name=name)

    def price(part: EventTable, rules: list[ExitRule]) -> EventTable:
        nets = {each.name: part.net_bps[name] + each.time_stop_s / 100 for each in rules}
        return dataclasses.replace(part, net_bps=nets, gross_bps=nets)

    def explored(dials: Dials) -> Exploration:
        with TrialLedger(folder / "trials.db") as ledger:
            return explore(table, dials, base, ledger=ledger, price=price, known=[rule])

    return Tuning(explored, Dials.of(axes, base, EXITS, rule), folder=folder, against="file", sealed="")


def tuner_rows(table: EventTable, axes: dict[str, tuple[float, ...]], base: Thresholds) -> list[Row]:
    """A dial after the other is turned by a hand that never rests: numbers, markup and widgets, without a browser."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        tuning = tuning_of(table, axes, base, Path(folder))
        opened_s = time.perf_counter() - started
        tuner = Tuner(tuning, lambda _row: None)
        took = []
        for number in range(STEPS):
            dial = list(tuner.sliders.values())[number % len(tuner.sliders)]
            started = time.perf_counter()
            dial.value = (dial.value + 1 + number // len(tuner.sliders)) % len(dial.options)
            took.append(1e3 * (time.perf_counter() - started))
    events, trials = len(table), tuning.exploration.trials
    return [
        Row(f"tuner redraw, {events:,} events", round(statistics.median(took), 1), "ms", goal=100, least=False),
        Row("tuner redraw, slowest of a hundred", round(float(np.quantile(took, 0.99)), 1), "ms"),
        Row(f"tuner opened: {trials:,} trials booked", round(opened_s, 1), "s"),
    ]
