"""The evidence of one symbol as a model, explored whole: `python -m tests.chaos.orders.model` prints states and faults.

What truly happens is a short story: fills of our entry and of our stop, a person who buys or sells. Every fill is told
three times, by an execution, a status and a position row, and the model lets those words come in every order that a
broker may choose: executions in any order and as late as they like, statuses in order or never, rows in order, or
skipped where a later one follows, and no later than rows may trail. Whole answers come at any moment, as of now or, for
as long as rows may trail, as of before the latest events; rows and answers are one stream at IB, so that none is older
than the one before it. Services may die at any moment: what was written down stays, what was only heard is gone. In
every state the first law must hold:

- while no person traded, what is held is no less than what our words say was bought, less what was truly sold: no late
  row or list takes protection away;
- what may be sold is never more than the surest witness says is held: our words, and every row that is no old one;
- once all has been told and two whole answers have come, held is what is truly ours, and nothing is left to settle.
"""

import sys
from collections import deque
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from decimal import Decimal

from momentum_kit.models import OrderAction
from momentum_kit.trading.orders import POSITION_LAG_S, Agreement, OrderWitness, PositionWitness, SymbolEvidence, weigh

AT_ONCE_S, LATER_S = 0.0, 5.0  # between two words
MOST_ANSWERS = 2  # besides the two at the end
BUY, SELL = OrderAction.BUY, OrderAction.SELL


@dataclass(frozen=True, slots=True)
class Event:
    """Shares that truly changed hands. own: by an order of ours, else by a person."""

    shares: int  # bought, negative: sold
    own: bool = True


STORIES: dict[str, tuple[Event, ...]] = {
    "bought": (Event(2),),
    "bought in parts": (Event(1), Event(2)),
    "bought, the stop sells": (Event(2), Event(-2)),
    "bought, the stop sells in parts": (Event(3), Event(-1), Event(-2)),
    "bought in parts, a part sold": (Event(1), Event(2), Event(-1)),
    "sold by hand": (Event(2), Event(-2, own=False)),
    "a part sold by hand": (Event(3), Event(-1, own=False)),
    "the stop sells a part, a person the rest": (Event(3), Event(-1), Event(-2, own=False)),
    "a person buys beside us": (Event(2), Event(3, own=False)),
    "a person held before": (Event(3, own=False), Event(2), Event(-2)),
}


@dataclass(frozen=True, slots=True)
class State:
    """Where the story and its words stand. Times in seconds from its beginning.

    happened: when each event came. executions: indices told and written down. named: told by statuses, bought and sold.
    rows: events that the latest row or answer knew of.
    """

    at: float = 0.0
    happened: tuple[float, ...] = ()
    executions: frozenset[int] = frozenset()
    named: tuple[int, int] = (0, 0)
    rows: int = 0
    answers: int = 0
    lives: int = 1


@dataclass
class Exploration:
    """What was seen of one story."""

    states: int = 0
    faults: list[str] = field(default_factory=list)


class Model:
    """One story; explored by `run`, depth first, every state once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.story = STORIES[name]
        self.seen = Exploration()
        self._keys: set[object] = set()

    def run(self) -> Exploration:
        """All of it."""
        witness = PositionWitness()
        witness.row(Decimal(0), 0.0)
        stack: list[tuple[State, PositionWitness, tuple[str, ...]]] = [(State(), witness, ())]
        while stack and len(self.seen.faults) < 5:
            state, witness, path = stack.pop()
            evidence = self._weigh(state, witness)
            key = (replace(state, at=0.0, happened=()), *self._clock(state), *_inside(witness, state.at))
            if key in self._keys:
                continue
            self._keys.add(key)
            self.seen.states += 1
            self._judge(state, witness, evidence, path)
            stack += self._next(state, witness, path)
        return self.seen

    # -- what may come next ------------------------------------------------------------------------------------------

    def _next(
        self, state: State, witness: PositionWitness, path: tuple[str, ...]
    ) -> Iterator[tuple[State, PositionWitness, tuple[str, ...]]]:
        for seconds in (AT_ONCE_S, LATER_S):
            later = replace(state, at=state.at + seconds)
            if not self._in_time(later):
                continue
            for what, then, row, answer in self._words(later):
                heard = copy(witness)
                heard._path = deque(witness._path)
                self._weigh(then, heard)  # the path of ours is up to date before a row is compared with it
                if row is not None:
                    heard.row(Decimal(row), then.at)
                if answer is not None:
                    heard.answer(Decimal(answer), then.at, explained=self._told_whole(then))
                if what == "a new life":
                    heard = self._new_life(then)
                yield then, heard, (*path, f"{then.at:g} s {what}")

    def _words(self, state: State) -> Iterator[tuple[str, State, int | None, int | None]]:
        happened = len(state.happened)
        if happened < len(self.story):
            event = self.story[happened]
            yield (
                f"{'we' if event.own else 'a person'} {event.shares:+d}",
                replace(state, happened=(*state.happened, state.at)), None, None,
            )  # fmt: skip
        for index in range(happened):
            if self.story[index].own and index not in state.executions:
                yield f"execution {index}", replace(state, executions=state.executions | {index}), None, None
        named = self._named(happened)
        if named != state.named:
            yield f"status {named}", replace(state, named=named), None, None
        for rows in range(state.rows + 1, happened + 1):
            yield f"row {self._account(rows)}", replace(state, rows=rows), self._account(rows), None
        if state.answers < MOST_ANSWERS:
            for rows in range(state.rows, happened + 1):
                quantity = self._account(rows)
                yield f"answer {quantity}", replace(state, answers=state.answers + 1, rows=rows), None, quantity
        if state.lives < 2 and len(self.story) < 3:  # a third event makes millions of states without it
            yield "a new life", replace(state, lives=2, named=(0, 0)), None, None

    def _in_time(self, state: State) -> bool:
        """Rows trail by so much at most."""
        return all(state.at - at < POSITION_LAG_S for at in state.happened[state.rows :])

    def _new_life(self, state: State) -> PositionWitness:
        """As services/execution/witnesses begins one: the path of the fills that were written down."""
        witness = PositionWitness()
        witness.ours(Decimal(0), min((state.happened[i] for i in state.executions), default=state.at))
        total = 0
        for index in sorted(state.executions):
            total += self.story[index].shares
            witness.ours(Decimal(total), state.happened[index])
        witness.at_start = True
        return witness

    # -- what is true ------------------------------------------------------------------------------------------------

    def _account(self, rows: int) -> int:
        return sum(event.shares for event in self.story[:rows])

    def _named(self, happened: int) -> tuple[int, int]:
        own = [event.shares for event in self.story[:happened] if event.own]
        return sum(s for s in own if s > 0), -sum(s for s in own if s < 0)

    def _ours(self, state: State) -> int:
        bought, sold = self._named(len(state.happened))
        return max(min(bought - sold, self._account(len(state.happened))), 0)

    def _told(self, state: State) -> tuple[int, int]:
        """Bought and sold by our words: whichever of executions and statuses names more."""
        shares = [self.story[i].shares for i in state.executions]
        bought, sold = sum(s for s in shares if s > 0), -sum(s for s in shares if s < 0)
        return max(bought, state.named[0]), max(sold, state.named[1])

    def _told_whole(self, state: State) -> bool:
        return all(i in state.executions for i in range(len(state.happened)) if self.story[i].own)

    def _clock(self, state: State) -> tuple[float, ...]:
        return tuple(min(state.at - at, POSITION_LAG_S) for at in state.happened)

    def _weigh(self, state: State, witness: PositionWitness) -> SymbolEvidence:
        shares = [self.story[i].shares for i in state.executions]
        bought, sold = sum(s for s in shares if s > 0), -sum(s for s in shares if s < 0)
        words = (
            OrderWitness(action=BUY, named=Decimal(state.named[0]), executed=Decimal(bought)),
            OrderWitness(action=SELL, named=Decimal(state.named[1]), executed=Decimal(sold)),
        )
        return weigh(Decimal(bought - sold), words, witness, state.at)

    # -- the first law -----------------------------------------------------------------------------------------------

    def _judge(self, state: State, witness: PositionWitness, evidence: SymbolEvidence, path: tuple[str, ...]) -> None:
        bought, sold = self._told(state)
        by_hand = any(not event.own for event in self.story[: len(state.happened)])
        if not by_hand and evidence.held < bought - self._named(len(state.happened))[1]:
            self._found("protection is taken away", evidence, path)
        if evidence.sellable > max(bought - sold, 0):
            self._found("more may be sold than our words name", evidence, path)
        if self._told_whole(state) and len(state.happened) == len(self.story) and self._in_time(state):
            self._settle(state, witness, path)

    def _settle(self, state: State, witness: PositionWitness, path: tuple[str, ...]) -> None:
        """All is told, and a long silence and two whole answers follow."""
        heard = copy(witness)
        heard._path = deque(witness._path)
        then = replace(state, at=state.at + POSITION_LAG_S, named=self._named(len(state.happened)))
        for _ in range(2):
            self._weigh(then, heard)
            heard.answer(Decimal(self._account(len(self.story))), then.at, explained=True)
            then = replace(then, at=then.at + 1.0)
        evidence = self._weigh(then, heard)
        if evidence.held != self._ours(then) or evidence.sellable != self._ours(then):
            self._found("never settles on what is ours", evidence, path)
        elif evidence.agreement is not Agreement.AGREED and not evidence.missing:
            self._found("never agrees", evidence, path)

    def _found(self, what: str, evidence: SymbolEvidence, path: tuple[str, ...]) -> None:
        numbers = f"held {evidence.held:f}, sellable {evidence.sellable:f}, {evidence.agreement}: {evidence.numbers()}"
        self.seen.faults.append(f"{self.name}: {what}: {numbers}: {'; '.join(path)}")


def _inside(witness: PositionWitness, at: float) -> tuple[object, ...]:
    """All that decides in a witness, its times as ages."""
    path = tuple((min(at - since, POSITION_LAG_S), shares) for since, shares in witness._path)
    since = None if witness._differs_since is None else min(at - witness._differs_since, POSITION_LAG_S)
    fell = witness._fell and (min(at - witness._fell[0], POSITION_LAG_S), witness._fell[1])
    return (
        witness.quantity, witness.foreign, witness.at_start, witness.answers, witness._answered, witness._caught_up,
        path, since, fell,
    )  # fmt: skip


def main() -> int:
    """Exit status 1 unless the law holds in every state."""
    states, faults = 0, 0
    for name in STORIES:
        seen = Model(name).run()
        print(f"{name}: {seen.states} states, {len(seen.faults)} faults")
        print(*seen.faults, sep="\n", end="\n" if seen.faults else "")
        states, faults = states + seen.states, faults + len(seen.faults)
    print(f"model states explored: {states}")
    print(f"violations: {faults}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
