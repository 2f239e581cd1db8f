"""Evidence: what three witnesses say is held in a symbol, and what may be sold of it; the first law as functions.

How it works. Executions, the orders' own words (status, filled) and the broker's position rows tell of the same shares
at different times and in any order. `weigh` joins them: bought is the most that executions or orders name for our buys,
sold the most they name for our sells. `PositionWitness` follows the rows of one symbol beside the path that our own
fills took. A row that repeats a number from that path is late, and says nothing yet; a row that fits no number of ours
is news, and becomes a conclusion only when two whole answers in a row have repeated it.

Why it is right. A witness can be late, never early: what it names has happened, what it does not name may still come.
So positive words count at once, and the absence of a word counts only where the broker, asked twice, had nothing to
add. What is sold is then never more than the surest witness has, and what protects is never taken away because some
list was late. The shares of other people are whatever a confirmed row has beyond ours: they bar the symbol and are
never counted into what we may sell.

Pure: no clock and no I/O; times are elapsed seconds of the Clock port.
"""

import math
from collections import deque
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from momentum_kit.models import OrderAction

ZERO = Decimal(0)

USUAL_LAG_S = 2.0  # a difference between witnesses that is younger is on its way to being none
POSITION_LAG_S = 10.0  # position rows trail executions by 1 to 5 s and more (github.com/ib-api-reloaded/ib_async, 15)
NEVER_SO_LATE_S = 60.0  # what a row, asked for, says so long after our last fill is no number from before it
ENOUGH = 2  # whole answers in a row that an adverse conclusion takes


class Agreement(StrEnum):
    """How the witnesses of one symbol stand to each other."""

    AGREED = "agreed"
    SETTLING = "settling"
    """They differ, and not for longer than they usually do."""
    DIFFERING = "differing"
    """They differ for longer: entries in the symbol are barred, and the broker is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWitness:
    """What is known of one order of ours, in shares.

    named: the most that a status or a list called filled. executed: by its executions. unknown: what it may have
    filled beyond both, because nobody can tell what became of it.
    """

    action: OrderAction
    named: Decimal
    executed: Decimal
    unknown: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolEvidence:
    """What is held of one symbol, by all that is known.

    executions, orders: net shares of ours by each witness; orders counts what statuses name beyond executions.
    position: the broker's row, None before the first. foreign: shares of it that are not ours.
    held: ours by positive words; less only where two whole answers said so. sellable: what may be sold now.
    unexplained: shares that the broker has beyond ours and those known to be foreign, and no lag explains.
    """

    executions: Decimal
    orders: Decimal
    position: Decimal | None
    foreign: Decimal
    held: Decimal
    sellable: Decimal
    unexplained: Decimal
    agreement: Agreement
    confirmed: bool

    @property
    def missing(self) -> Decimal:
        """Shares that our executions name and the broker, asked twice, does not have."""
        return max(self.executions - self.held, ZERO) if self.confirmed else ZERO

    @property
    def flat(self) -> bool:
        """True if nothing of ours is held by anybody's word, and the broker's row says so too."""
        surely = self.agreement is Agreement.AGREED or self.confirmed
        return not self.held and surely and (self.position is None or self.position == self.foreign)

    def numbers(self) -> str:
        """The three witnesses side by side, for a person."""
        position = "unknown" if self.position is None else f"{self.position:f}"
        others = f" ({self.foreign:f} of it not ours)" if self.foreign else ""
        return f"position {position}{others}, orders {self.orders:f}, executions {self.executions:f}"


@dataclass(slots=True)
class PositionWitness:
    """The position rows of one symbol beside the path of our own fills.

    foreign: shares that are not ours, by two whole answers. answers: whole answers in a row that gave the same number,
    which is not ours. suspicious: the row fell below ours, which is to be asked about at once. row_since: when the row
    became what it is. back: shares that had gone by our sale and are there again, by two whole answers.
    """

    quantity: Decimal | None = None
    foreign: Decimal = ZERO
    at_start: bool = False  # no fill of ours since the session began: then what is not in a row is not sold
    answers: int = 0
    row_since: float = 0.0
    back: Decimal = ZERO
    _answered: Decimal | None = None
    _caught_up: bool = False
    _agreed: bool = False  # a row has said just what is ours since our last fill
    _seen_back: Decimal = ZERO  # shares of a sale that were there again, by an answer that knew of the sale
    _fell: tuple[float, Decimal] | None = None  # when a row last had less than ours, and how much
    _path: deque[tuple[float, Decimal]] = field(default_factory=deque)  # when ours became how many shares
    _differs_since: float | None = None

    def ours(self, shares: Decimal, at: float) -> None:
        """By executions and orders, this many shares are ours since `at`."""
        if not self._path or self._path[-1][1] != shares:
            row = self.quantity if self.quantity is not None else ZERO
            follows = abs(row - self.foreign - shares) < abs(row - self.foreign - self._ours)
            ahead = self._caught_up and follows  # the row told of these fills before their executions did
            self.at_start = False
            self.back = ZERO
            self._path.append((at, shares))
            self._agreed = self.quantity == shares + self.foreign
            self._caught_up = ahead or self._agreed
            if not (ahead and self.confirmed) or self.quantity == shares + self.foreign:
                self.answers, self._answered = 0, None
        while len(self._path) > 1 and self._path[1][0] < at - POSITION_LAG_S:
            self._path.popleft()  # the first that is left was ours until the second came

    def row(self, quantity: Decimal, at: float) -> None:
        """The broker says a row, asked or not; `ours` is up to date."""
        if quantity != self.quantity:
            self.answers, self._answered = 0, None
            self.row_since = at
        self.quantity = quantity
        if quantity < self._ours + self.foreign:
            self._fell = (at, quantity)
        if quantity == self._ours + self.foreign:
            self._caught_up = self._agreed = True
            self._seen_back = ZERO

    def answer(
        self,
        quantity: Decimal,
        at: float,
        *,
        explained: bool,
        undoable: Container[Decimal] = frozenset(),
        struck: Container[Decimal] = frozenset(),
        executions_asked: float = -math.inf,
    ) -> None:
        """A whole answer has this number; the second in a row that is not ours is believed.

        explained: our executions are known as a whole, so that what they do not name is somebody else's. undoable:
        sizes of sales of ours that the broker may have undone, as far as nobody else has bought by the executions asked
        for at `executions_asked`: where so many shares are there again, they are ours. struck: those of them that our
        own book has and the day's list of executions has not: they were undone while nobody listened.
        """
        self.row(quantity, at)
        self.back = ZERO
        if quantity == self._ours + self.foreign or self.on_the_way(at):
            self.answers, self._answered = 0, None
            return
        self.answers = self.answers + 1 if self._answered == quantity else 1
        self._answered = quantity
        more = quantity - self._ours - self.foreign
        age_s = at - self._path[-1][0]
        told = self._agreed or more in struck or more == self._seen_back  # the row had told of our sale
        told = told or (age_s >= NEVER_SO_LATE_S and not self.at_start)
        if more in undoable and (told or not self.at_start):  # or it has yet to tell of it
            self._seen_back = more if told else self._seen_back
            asked = executions_asked >= self.row_since and age_s >= POSITION_LAG_S
            self.back = more if told and asked and self.answers >= ENOUGH else ZERO
        elif self.answers >= ENOUGH and explained and (quantity > self._ours or not self._ours):
            self.foreign = quantity - self._ours
            self._caught_up = self._agreed = True
        elif self.answers >= ENOUGH and quantity <= self._ours:  # what was believed foreign was ours, or is gone
            self.foreign = ZERO
            self._caught_up = self._caught_up or quantity == self._ours

    def trails(self, at: float) -> bool:
        """True while the row repeats a number from before our last fills, which it has not caught up with yet."""
        if self._caught_up or self.quantity is None:
            return False
        earlier = list(self._path)[:-1]
        young = bool(earlier) and at - self._path[-1][0] < POSITION_LAG_S
        return young and any(self.quantity == shares + self.foreign for _, shares in earlier)

    def on_the_way(self, at: float) -> bool:
        """True while the row has a number between those: one word of ours may tell of fills that rows tell one by one.

        It holds back what may be sold, as any row does, and proves no sale by hand.
        """
        if self._caught_up or self.quantity is None or len(self._path) < 2:
            return False
        way = [shares for _, shares in self._path]
        row, recent = self.quantity - self.foreign, at - self._path[-1][0] < POSITION_LAG_S
        return recent and min(way) <= row <= max(way) and row != way[-1]

    @property
    def confirmed(self) -> bool:
        """True if the row is what two whole answers gave, and is not ours."""
        return self.answers >= ENOUGH

    def suspicious(self, at: float) -> bool:
        """True if there is less than ours and no lag explains it: to be asked about at once."""
        less = self.quantity is not None and self.quantity < self._ours + self.foreign
        return less and not self.confirmed and not self.trails(at)

    def contradicted(self, at: float) -> bool:
        """True while an answer that has ours may be older than the row which had less: to be asked again."""
        return self._fell is not None and at - self._fell[0] < POSITION_LAG_S

    def ended(self, at: float) -> bool:
        """True if a row has said that nothing is held, now or a moment ago, or what it said is so old that none may.

        A late answer may repeat what was held after the row which ended it; whole answers leave it out from then on.
        """
        fell = self._fell is not None and self.contradicted(at) and not self._fell[1]
        return not self.quantity or fell or at - self.row_since >= NEVER_SO_LATE_S

    def differs_for(self, differs: bool, at: float) -> float:
        """Seconds for which the witnesses have differed, 0 if they do not."""
        if not differs:
            self._differs_since = None
        elif self._differs_since is None:
            self._differs_since = at
        return 0.0 if self._differs_since is None else at - self._differs_since

    @property
    def _ours(self) -> Decimal:
        return self._path[-1][1] if self._path else ZERO


def weigh(executions: Decimal, orders: Iterable[OrderWitness], witness: PositionWitness, at: float) -> SymbolEvidence:
    """What is held and what may be sold. executions: our net shares by them; orders: every order that may say more."""
    words = tuple(orders)
    ahead = sum((word.action.sign * max(word.named - word.executed, ZERO) for word in words), ZERO)
    in_doubt = any(word.unknown for word in words)
    perhaps_sold = sum((word.unknown for word in words if word.action is OrderAction.SELL), ZERO)
    ours = executions + ahead
    witness.ours(ours, at)
    row = witness.quantity
    counts = row is not None and (witness.at_start or not witness.trails(at))
    at_broker = max(row, ZERO) if row is not None else ZERO
    held = min(ours, at_broker) if witness.confirmed and row is not None else ours
    may_sell = min(held - perhaps_sold, at_broker) if counts else held - perhaps_sold
    missing_words = any(word.named > word.executed for word in words)
    fits = row == ours + witness.foreign if row is not None else not ours
    differs = missing_words or in_doubt or not fits
    age = witness.differs_for(differs, at)
    if not differs:
        agreement = Agreement.AGREED
    elif age < USUAL_LAG_S or not (missing_words or in_doubt or counts):  # a row that trails takes its time
        agreement = Agreement.SETTLING
    else:
        agreement = Agreement.DIFFERING
    return SymbolEvidence(
        executions=executions,
        orders=ours,
        position=row,
        foreign=witness.foreign,
        held=held,
        sellable=max(may_sell, ZERO),
        unexplained=max(row - ours - witness.foreign, ZERO) if counts and row is not None else ZERO,
        agreement=agreement,
        confirmed=witness.confirmed,
    )
