"""Every boundary of a small world with every fault: `python -m tests.chaos.orders.boundaries`; ends as run.py does.

A boundary is the moment right before or right after something that outlives the services: an intent recorded or
marked, an execution written down, an order placed, changed or cancelled. The world is played once to count them; then
the services die at each, once for every fault, which strikes right before the death or while they are down. Lives and
truth are those of the random worlds.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from momentum_kit.simgateway.scenario import (
    ConnectivityLost,
    DelayAcks,
    DoomedModify,
    DropOrder,
    Duplicate,
    Fault,
    LateAnswer,
    ManualCancel,
    ManualTrade,
    OrderPresets,
    RefuseStops,
    Reorder,
    StrayEnd,
    UnreadableRow,
)
from tests.chaos.orders.lives import Outcome
from tests.chaos.orders.run import describe, kind_of, play_once, quiet
from tests.chaos.orders.worlds import ENDS, INSTRUMENTS, LISTS, Death, Deed, Lagging, Listing, Mishap, Signal, World

DOWN_S = 3
SECONDS = 40


def _walk(*stretches: tuple[float, int]) -> tuple[tuple[float, float, int], ...]:
    """A touch a second: bids, each for so many seconds, with a few hundred shares on either side."""
    return tuple((bid, round(bid + 0.01, 2), 300) for bid, seconds in stretches for _ in range(seconds))


AAPL, VYRX, QLMB = INSTRUMENTS[:3]
SMALL_WORLD = World(
    seed=0,
    seconds=SECONDS,
    listings=(
        Listing(AAPL, _walk((8.0, SECONDS))),  # bought in parts, sold by its time stop
        Listing(VYRX, _walk((6.0, 12), (6.6, SECONDS - 12))),  # runs into its target
        Listing(QLMB, _walk((9.0, 5), (9.5, SECONDS - 5))),  # runs away from its entry, which is cancelled
    ),
    deeds=(
        Signal(second=3, con_id=AAPL.con_id, item="one:AAPL", atr=0.02),
        Signal(second=4, con_id=VYRX.con_id, item="one:VYRX", atr=0.02),
        Signal(second=5, con_id=QLMB.con_id, item="one:QLMB", atr=0.02),
    ),
    partial_fill_share=0.5,
    settings={
        "time_stop_s": 15.0,
        "entry_timeout_s": 5.0,
        "risk_per_order_usd": 40.0,
        "cool_down_s": 0.0,
        "max_daily_loss_usd": 1e9,
        "max_orders_per_minute": 100,
    },
)


def faults() -> Iterator[tuple[str, Deed | None]]:
    """Each kind by name, at second 0; None: nothing but the death."""
    yield "nothing else", None
    for of in ("statuses", "positions", "executions"):
        for lists in (False, True):
            yield (
                f"{of} late, lists {'too' if lists else 'not'}",
                Lagging(second=0, of=of, lag_ms=4_000, for_s=10, lists=lists),
            )
    kinds: dict[str, Fault] = {
        **{f"{name} late": LateAnswer(requests=(name,), delay_ms=5_000, count=2) for name in LISTS},
        **{f"stray {end}": StrayEnd(ends=(end,)) for end in ENDS},
        **{
            f"unreadable {row}": UnreadableRow(messages=(row,), count=2)
            for row in ("openOrder", "completedOrder", "position", "execDetails")
        },
        "sold by hand": ManualTrade(symbol=AAPL.symbol, action="SELL", quantity=10_000),
        "bought by hand": ManualTrade(symbol=AAPL.symbol, action="BUY", quantity=250),
        "stop cancelled by hand": ManualCancel(symbol=AAPL.symbol, action="SELL", order_type="STP"),
        "target cancelled by hand": ManualCancel(symbol=VYRX.symbol, action="SELL", order_type="LMT"),
        "words twice": Duplicate(count=6),
        "words in another order": Reorder(count=3),
        "an order lost": DropOrder(),
        "acknowledgements late": DelayAcks(delay_ms=3_000, for_s=10),
        "IB lost, data kept": ConnectivityLost(for_s=6, restored="data_kept"),
        "IB lost, data lost": ConnectivityLost(for_s=6, restored="data_lost"),
        "a stop refused": RefuseStops(symbol=AAPL.symbol, code=201, count=1),
        "a change doomed": DoomedModify(symbol=AAPL.symbol),
        "presets": OrderPresets(size=10),
    }
    for name, fault in kinds.items():
        yield name, Mishap(second=0, fault=fault)


def boundaries(outcome: Outcome) -> list[tuple[int, str, int]]:
    """Second, kind and number of each doing that outlives the services, in a life without a death."""
    seen: Counter[str] = Counter()
    found = []
    for second, what in outcome.doings:
        seen[what] += 1
        if what != "write":  # nothing is rebuilt from the journal's rows
            found.append((second, what, seen[what]))
    return found


def worlds(outcome: Outcome) -> Iterator[tuple[str, World]]:
    """Every boundary, before and after, with every fault, before the death and while the services are down."""
    for second, what, times in boundaries(outcome):
        for after in (False, True):
            death = Death(second=0, doing=what, times=times, after=after, down_s=DOWN_S)
            for name, fault in faults():
                for at in (second - 1, second) if fault is not None else (second,):
                    strike = () if fault is None else (replace(fault, second=max(at, 0)),)
                    deeds = sorted((*SMALL_WORLD.deeds, death, *strike), key=lambda deed: deed.second)
                    when = "before" if at < second else "meanwhile"
                    side = "after" if after else "before"
                    yield (
                        f"death {side} {what} {times} at {second} s, {name} {when}",
                        replace(SMALL_WORLD, deeds=tuple(deeds)),
                    )


def _play(case: tuple[str, World]) -> tuple[str, Outcome]:
    return case[0], play_once(case[1])


def main() -> int:
    """Exit status 1 unless nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sample", type=int, default=0, help="so many of them only, drawn from --seed")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    quiet()
    calm = play_once(SMALL_WORLD)
    cases = list(worlds(calm))
    every = len(cases)
    if given.sample:
        cases = random.Random(given.seed).sample(cases, min(given.sample, every))
    print(f"{len(boundaries(calm))} boundaries, {sum(1 for _ in faults())} faults: {every} worlds, {len(cases)} played")
    began, bad = time.monotonic(), []
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(given.processes, quiet))
        for number, (name, outcome) in enumerate(pool.imap_unordered(_play, cases), 1):
            if outcome.violations:
                bad.append((name, outcome))
                print(f"{name}: {outcome.violations[0]}", flush=True)
            if number % 500 == 0:
                print(f"{number} of {len(cases)}, {len(bad)} broken", flush=True)
    for name, outcome in bad[:3]:
        print("", name, *describe(outcome), sep="\n")
    for kind, count in Counter(kind_of(each) for _, outcome in bad for each in outcome.violations).most_common():
        print(f"{count:5} {kind}")
    print(f"{len(cases)} worlds in {time.monotonic() - began:.0f} s")
    violations = sum(len(outcome.violations) for _, outcome in bad)
    print(f"violations: {violations}")
    return 1 if calm.violations or violations else 0


if __name__ == "__main__":
    sys.exit(main())
