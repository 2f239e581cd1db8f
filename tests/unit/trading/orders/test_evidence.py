"""The first law as a function: three witnesses, in any order, late, partial or silent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.models.orders import OrderAction
from momentum_kit.trading.orders import Agreement, OrderWitness, PositionWitness, weigh

ZERO = Decimal(0)


def bought(named=0, executed=0):
    """The word of an entry."""
    return OrderWitness(action=OrderAction.BUY, named=Decimal(named), executed=Decimal(executed))


def sold(named=0, executed=0, unknown=0):
    """The word of a target, a stop or an exit."""
    return OrderWitness(
        action=OrderAction.SELL, named=Decimal(named), executed=Decimal(executed), unknown=Decimal(unknown)
    )


class Symbol:
    """One symbol whose witnesses the test makes speak."""

    def __init__(self, position=None):
        self.witness, self.at, self.executions, self.words = PositionWitness(), 1000.0, ZERO, ()
        if position is not None:
            self.row(position)

    def says(self, executions=None, *words):
        """Net executions and the orders' words from now on."""
        self.executions = self.executions if executions is None else Decimal(executions)
        self.words = words
        return self.now()

    def row(self, quantity):
        """A row of the broker."""
        self.now()
        self.witness.row(Decimal(quantity), self.at)
        return self.now()

    def answer(self, quantity, explained=True):
        """A whole answer."""
        self.now()
        self.witness.answer(Decimal(quantity), self.at, explained=explained)
        return self.now()

    def later(self, seconds):
        """Time passes."""
        self.at += seconds
        return self.now()

    def now(self):
        """The evidence."""
        return weigh(self.executions, self.words, self.witness, self.at)


def numbers(evidence):
    """What decides."""
    return int(evidence.held), int(evidence.sellable), evidence.agreement


def test_all_agree():
    """Executions, orders and position say the same: all of it is ours and may be sold."""
    symbol = Symbol(0)
    symbol.says(833, bought(833, 833))
    assert numbers(symbol.row(833)) == (833, 833, Agreement.AGREED)


def test_a_row_from_before_the_fill_says_nothing():
    """A position row trails executions by seconds: what is held is protected at once, and the symbol is barred."""
    symbol = Symbol(0)
    assert numbers(symbol.says(833, bought(833, 833))) == (833, 833, Agreement.SETTLING)
    assert numbers(symbol.later(9)) == (833, 833, Agreement.SETTLING)
    assert not symbol.witness.suspicious(symbol.at)


def test_rows_that_follow_partial_fills_late_are_no_news():
    """Three fills in a second whose rows come one after the other, seconds late, raise no suspicion."""
    symbol = Symbol(0)
    for total in (200, 500, 833):
        symbol.says(total, bought(total, total))
        symbol.later(0.3)
    for row in (200, 500):
        assert symbol.row(row).sellable == 833
        assert not symbol.witness.suspicious(symbol.at)
        symbol.later(2)
    assert numbers(symbol.row(833)) == (833, 833, Agreement.AGREED)


def test_filled_by_status_and_position_without_executions():
    """The order's word and the position count though executions are late: nothing is less held for their absence."""
    symbol = Symbol(0)
    symbol.says(0, bought(769, 0))
    assert numbers(symbol.row(769)) == (769, 769, Agreement.SETTLING)
    assert numbers(symbol.later(3)) == (769, 769, Agreement.DIFFERING)
    assert numbers(symbol.answer(769)) == (769, 769, Agreement.DIFFERING)
    assert symbol.now().foreign == 0


def test_a_sale_by_hand_is_believed_when_two_whole_answers_say_so():
    """A row below ours stops sales at once; what protects shrinks only after two whole answers."""
    symbol = Symbol(0)
    symbol.says(833, bought(833, 833))
    symbol.row(833)
    symbol.later(8)
    assert symbol.row(0).held == 833
    assert symbol.now().sellable == 0
    assert symbol.witness.suspicious(symbol.at)
    assert symbol.answer(0).held == 833
    gone = symbol.answer(0)
    assert (gone.held, gone.missing, gone.flat) == (0, 833, True)


def test_one_answer_and_a_word_in_between_prove_nothing():
    """A row between two answers that fits ours again begins the counting anew."""
    symbol = Symbol(0)
    symbol.says(833, bought(833, 833))
    symbol.row(833)
    symbol.later(20)
    symbol.answer(0)
    symbol.row(833)
    assert symbol.answer(0).held == 833
    assert symbol.answer(0).held == 0


def test_a_fill_between_two_answers_begins_the_counting_anew():
    """What one answer said was said before the fill: only two after it confirm each other."""
    symbol = Symbol(0)
    symbol.says(833, bought(833, 833))
    symbol.row(833)
    symbol.later(20)
    symbol.answer(100)
    symbol.says(533, bought(833, 833), sold(300, 300))
    symbol.later(11)
    assert symbol.answer(100).held == 533
    assert symbol.answer(100).held == 100


def test_other_peoples_shares_are_never_ours():
    """What two whole answers have beyond our executions is somebody else's; it is not sold, and nothing is less."""
    symbol = Symbol()
    symbol.says(833, bought(833, 833))
    symbol.answer(1833)
    evidence = symbol.answer(1833)
    assert (evidence.foreign, *numbers(evidence)) == (1000, 833, 833, Agreement.AGREED)
    symbol.says(0, bought(833, 833), sold(833, 833))
    evidence = symbol.row(1000)
    assert (evidence.foreign, *numbers(evidence), evidence.flat) == (1000, 0, 0, Agreement.AGREED, True)


def test_nothing_is_foreign_before_executions_are_known():
    """While the list of executions is unknown, a position is not called somebody else's."""
    symbol = Symbol()
    symbol.answer(833, explained=False)
    assert symbol.answer(833, explained=False).foreign == 0
    symbol.says(833, bought(833, 833))
    assert numbers(symbol.now()) == (833, 833, Agreement.AGREED)


def test_an_entry_that_fills_between_two_lists():
    """At a start the position list is older than the executions list: held, protected, asked again, agreed."""
    symbol = Symbol()
    symbol.answer(0)
    evidence = symbol.says(833, bought(833, 833))
    assert evidence.held == 833
    assert symbol.answer(833).agreement is Agreement.AGREED


def test_a_target_that_fills_between_two_lists():
    """Mirrored: the position list still has what the executions say is sold; nothing is held and nothing is foreign."""
    symbol = Symbol()
    symbol.answer(833)
    evidence = symbol.says(0, bought(833, 833), sold(833, 833))
    assert (evidence.held, evidence.foreign) == (0, 0)
    assert symbol.answer(0).flat


def test_what_an_order_of_unknown_outcome_may_have_sold_counts_as_sold():
    """An exit whose send broke off: nothing more is sold until its outcome is known, and the stop stays whole."""
    symbol = Symbol(0)
    symbol.says(833, bought(833, 833))
    symbol.row(833)
    evidence = symbol.says(833, bought(833, 833), sold(unknown=833))
    assert (evidence.held, evidence.sellable) == (833, 0)


def test_shares_told_before_their_fill_are_ours_once_it_is_told():
    """Two whole answers have them before any word of our order does: foreign at first, ours and agreed in the end."""
    symbol = Symbol(0)
    symbol.answer(833)
    assert symbol.answer(833).foreign == 833
    symbol.says(833, bought(833, 833))
    symbol.later(11)
    symbol.answer(833)
    evidence = symbol.answer(833)
    assert (numbers(evidence), evidence.foreign) == ((833, 833, Agreement.AGREED), 0)


def test_a_row_on_the_way_to_fills_that_one_word_told_says_nothing():
    """A status names both fills at once, rows and lists tell them one by one: nothing is less held for it."""
    symbol = Symbol(0)
    symbol.says(0, bought(833, 0))
    symbol.row(400)
    symbol.later(6)
    symbol.answer(400)
    assert symbol.answer(400).held == 833
    assert numbers(symbol.row(833))[:2] == (833, 833)


def test_at_a_start_a_row_below_ours_holds_every_sale_back():
    """A sale by hand seconds after a fill looks like a row that trails: nothing is sold, nothing shrinks."""
    symbol = Symbol()
    symbol.witness.ours(Decimal(0), symbol.at - 3)
    symbol.witness.ours(Decimal(60), symbol.at - 2)
    symbol.witness.at_start = True
    symbol.executions = Decimal(60)
    assert numbers(symbol.row(0))[:2] == (60, 0)
    assert numbers(symbol.row(60)) == (60, 60, Agreement.AGREED)


def test_a_short_is_seen():
    """More sold than bought is a negative holding, never an absolute one."""
    symbol = Symbol(0)
    assert symbol.says(-833, bought(0, 0), sold(833, 833)).held == -833


steps = st.lists(
    st.tuples(st.sampled_from(["buy", "sell", "status", "row", "answer", "wait"]), st.integers(1, 300), st.booleans()),
    max_size=30,
)


@given(steps, st.integers(0, 500))
def test_never_more_than_is_really_held_of_ours(moves, foreign):
    """Whatever is late or repeated: sellable is never above what we really hold, and it all comes right in the end.

    The world fills orders; each witness is told some of it, in order, whenever it pleases.
    """
    symbol = Symbol(foreign)
    symbol.answer(foreign)
    symbol.answer(foreign)
    really = told_bought = told_sold = 0
    bought_by, sold_by, rows = 0, 0, [foreign]
    for kind, size, prompt in moves:
        if kind == "buy":
            bought_by, really = bought_by + size, really + size
            rows.append(foreign + really)
        elif kind == "sell":
            part = min(size, symbol_sellable(symbol, really))
            sold_by, really = sold_by + part, really - part
            rows.append(foreign + really)
            told_sold = sold_by  # an exit is ours: its word is told before another is sent
        elif kind == "status":
            told_bought = bought_by
        elif kind == "row" and rows:
            symbol.row(rows[-1] if prompt else rows.pop(0))
        elif kind == "answer" and rows:
            symbol.answer(rows[-1])
        else:
            symbol.later(size / 100)
        evidence = symbol.says(told_bought - told_sold, bought(told_bought, told_bought), sold(told_sold, told_sold))
        assert evidence.sellable <= max(really, 0)
    symbol.says(bought_by - sold_by, bought(bought_by, bought_by), sold(sold_by, sold_by))
    symbol.later(11)
    for _ in range(3):
        symbol.answer(foreign + really)
    assert numbers(symbol.now()) == (really, really, Agreement.AGREED)


def symbol_sellable(symbol, really):
    """What the world would let an exit sell: what the evidence allows, and it must be there."""
    sellable = int(symbol.now().sellable)
    assert sellable <= really
    return sellable


@pytest.mark.parametrize("late_s", [0.5, 3.0, 9.0])
def test_a_lag_within_the_usual_takes_nothing_away(late_s):
    """However late a row is within IB's lag, held and sellable stand from the first execution on."""
    symbol = Symbol(0)
    symbol.says(100, bought(100, 100))
    symbol.later(late_s)
    assert numbers(symbol.answer(0))[:2] == (100, 100)
    assert numbers(symbol.answer(0))[:2] == (100, 100)
    assert numbers(symbol.row(100)) == (100, 100, Agreement.AGREED)


def test_a_row_that_ran_ahead_of_late_executions_is_not_taken_for_trailing():
    """58 were bought and sold within ten seconds; the row says 0, and only one of the two sales is known so far."""
    symbol = Symbol(0)
    symbol.says(58)
    symbol.row(58)
    symbol.later(6)
    symbol.row(0)
    symbol.answer(0)
    symbol.answer(0)
    half = symbol.says(29)
    assert (half.held, half.sellable) == (0, 0)
    assert symbol.answer(0).sellable == 0
    assert symbol.says(0).flat


def test_an_answer_older_than_the_row_before_it_is_asked_about_again():
    """A row says that all is gone, a late list that it is there: for a while lists that leave it out count as zero."""
    symbol = Symbol(0)
    symbol.says(833, bought(833, 833))
    symbol.row(833)
    symbol.later(20)
    symbol.row(0)
    assert symbol.answer(833).held == 833
    assert symbol.witness.contradicted(symbol.at)
    assert symbol.witness.ended(symbol.at)
    symbol.later(11)
    assert not symbol.witness.contradicted(symbol.at)
    assert not symbol.witness.ended(symbol.at)
