"""Plays many worlds: `python -m tests.chaos.orders.run --runs 3000 --seed 1`; ends with the number of violations."""

import argparse
import asyncio
import contextlib
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from tests.chaos.orders.lives import Outcome, play
from tests.chaos.orders.worlds import World, draw_world, simpler

TABLE = Path(__file__).with_name("runs.md")
MOST_SHRINKING = 150  # plays

Play = Callable[[World], Outcome]


def play_once(world: World) -> Outcome:
    """In a folder and a loop of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(play(world, Path(folder)))


def shrink(world: World, kind: str, play: Play = play_once, most: int = MOST_SHRINKING) -> Outcome:
    """The least of a world that still breaks in the same way, after `most` plays."""
    left, best = most, play(world)
    smaller = True
    while smaller and left > 0:
        smaller = False
        for candidate in simpler(best.world):
            left -= 1
            outcome = play(candidate)
            if any(kind in violation for violation in outcome.violations):
                best, smaller = outcome, True
                break
            if left <= 0:
                break
    return best


def kind_of(violation: str) -> str:
    """'second 12: bare: AAPL: ...' -> 'bare'."""
    return violation.split(": ")[1]


def describe(outcome: Outcome) -> Iterator[str]:
    """A world that breaks, its story and what was found."""
    world = outcome.world
    yield f"seed {world.seed}: {len(world.listings)} symbols, {world.seconds} s, latency {world.latency_ms} ms"
    yield f"  assumptions {world.assumptions}, partial fills {world.partial_fill_share}, {world.settings}"
    yield from (f"  {deed}" for deed in world.deeds)
    yield from (f"  {line}" for line in outcome.story)
    yield from (f"  ==> {violation}" for violation in outcome.violations)


def quiet() -> None:
    """Thousands of deaths need no log."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@dataclass
class Tally:
    """What came of many worlds of one kind."""

    how: str
    first_seed: int
    began: float = field(default_factory=time.monotonic)
    worlds: int = 0
    bad: list[Outcome] = field(default_factory=list)
    sums: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """One more; a world that breaks is told at once."""
        self.worlds += 1
        self.sums.update(lives=outcome.lives, entries=outcome.entries, fills=outcome.fills, faults=outcome.faults)
        if outcome.violations:
            self.bad.append(outcome)
            print(f"seed {outcome.world.seed}: {outcome.violations[0]}", flush=True)

    @property
    def rate(self) -> float:
        """Worlds a second."""
        return self.worlds / (time.monotonic() - self.began)

    def close(self, *, record: bool) -> int:
        """Print it all, and append a line to the table; exit status 1 unless nothing was found."""
        rate, took = self.rate, time.monotonic() - self.began
        print(f"{self.worlds} worlds from seed {self.first_seed} in {took:.0f} s, {rate:.2g} a second ({self.how})")
        print(", ".join(f"{count} {name}" for name, count in self.sums.items()))
        for kind, count in Counter(kind_of(each) for outcome in self.bad for each in outcome.violations).most_common():
            print(f"{count:5} {kind}")
        violations = sum(len(outcome.violations) for outcome in self.bad)
        if record:
            numbers = (self.sums[name] for name in ("lives", "entries", "fills", "faults"))
            cells = (f"{datetime.now(UTC):%Y-%m-%d}", self.how, self.first_seed, self.worlds, *numbers, f"{rate:.2g}")
            with TABLE.open("a", encoding="utf-8") as table:
                table.write(f"| {' | '.join(map(str, cells))} | {violations} |\n")
        print(f"violations: {violations}")
        return 1 if violations else 0


def options(description: str | None, runs: int) -> argparse.ArgumentParser:
    """What runs of worlds of either kind are told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--record", action="store_true", help=f"append a line to {TABLE.name}")
    return parser


def _seed(seed: int, *, outgrowing: bool, time_exit: bool, trail: bool) -> Outcome:
    return play_once(draw_world(seed, outgrowing=outgrowing, time_exit=time_exit, trail=trail))


def main() -> int:
    """Exit status 1 unless nothing was found."""
    parser = options(__doc__, 3000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--outgrowing", action="store_true", help="worlds in which children may outgrow their parent")
    parser.add_argument("--time-exit", action="store_true", help="a time exit rests at the broker in every world")
    parser.add_argument("--trail", action="store_true", help="stops trail in every world")
    given = parser.parse_args()
    quiet()
    how = ["lock-step", *(["time exits"] if given.time_exit else ()), *(["trails"] if given.trail else ())]
    tally = Tally(", ".join(how), given.seed)
    play_seed = partial(_seed, outgrowing=given.outgrowing, time_exit=given.time_exit, trail=given.trail)
    seeds = range(given.seed, given.seed + given.runs)
    with contextlib.ExitStack() as stack:
        if given.processes > 1:
            pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(given.processes, quiet))
            outcomes = pool.imap_unordered(play_seed, seeds)
        else:
            outcomes = map(play_seed, seeds)
        for outcome in outcomes:
            tally.add(outcome)
            if tally.worlds % 100 == 0:
                print(
                    f"{tally.worlds} of {given.runs} worlds, {tally.rate:.1f} a second, {len(tally.bad)} broken",
                    flush=True,
                )
    for outcome in sorted(tally.bad, key=lambda each: each.world.seed)[: 0 if given.no_shrink else 5]:
        least = shrink(outcome.world, kind_of(outcome.violations[0]))
        print("", *describe(least), sep="\n")
    return tally.close(record=given.record)


if __name__ == "__main__":
    sys.exit(main())
