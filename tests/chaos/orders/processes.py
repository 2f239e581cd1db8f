"""Plays worlds with processes: `python -m tests.chaos.orders.processes --runs 300 --seed 1`; ends as run.py does.

One after the other, each with one engine at a time. A world is drawn as those in one process are, with a death at
least; where its engine dies is drawn, what else the machine does in that moment is not: a seed that breaks tells its
story as it was played, and may need to be played again.
"""

import asyncio
import os
import sys
import tempfile
from functools import partial
from multiprocessing.context import ForkServerContext
from pathlib import Path

from momentum_kit.file_locks import lock
from tests.chaos.orders.engine_process import nursery
from tests.chaos.orders.lives import Outcome
from tests.chaos.orders.process_lives import play
from tests.chaos.orders.run import Tally, describe, kind_of, options, quiet, shrink
from tests.chaos.orders.worlds import World, draw_world

DEATHS = (1, 1, 1, 2, 2, 3)
MOST_SHRINKING = 12  # plays of seconds


def play_once(world: World, context: ForkServerContext) -> Outcome:
    """In a folder and a loop of its own."""
    with tempfile.TemporaryDirectory(prefix="momentum-kit-world-") as folder:
        return asyncio.run(play(world, Path(folder), context))


def main() -> int:
    """Exit status 1 unless nothing was found."""
    given = options(__doc__, 300).parse_args()
    quiet()
    tally = Tally("processes", given.seed)
    with tempfile.NamedTemporaryFile(prefix="momentum-kit-worlds-") as held:
        lock(held)
        os.environ["MOMENTUM_KIT_DIES_WITH"] = held.name  # no engine outlives this process, however it ends
        play_world = partial(play_once, context=nursery())
        for seed in range(given.seed, given.seed + given.runs):
            tally.add(play_world(draw_world(seed, deaths=DEATHS)))
            if tally.worlds % 10 == 0:
                print(f"{tally.worlds} of {given.runs} worlds, {len(tally.bad)} broken", flush=True)
        for outcome in tally.bad[: 0 if given.no_shrink else 3]:
            print("", *describe(outcome), sep="\n")
            least = shrink(outcome.world, kind_of(outcome.violations[0]), play_world, MOST_SHRINKING)
            if least.violations and least.world != outcome.world:
                print("", "shrunk:", *describe(least), sep="\n")
    return tally.close(record=given.record)


if __name__ == "__main__":
    sys.exit(main())
