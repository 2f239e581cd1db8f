import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.trading.orders import OrderState, UnexpectedMove, next_state, notice_state
from momentum_kit.trading.orders.lifecycle import LIVE, TABLE, TERMINAL, OrderWord

STATUSES = [word for word in OrderWord if word is not OrderWord.DEAD]


def walk(*words, start=OrderState.SENT):
    """Where a sequence of words leads."""
    for word in words:
        start = next_state(start, word)
    return start


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("PreSubmitted", "Submitted", "PendingCancel", "Cancelled", "order dead"), OrderState.CANCELLED),
        (("Submitted", "Cancelled", "order dead"), OrderState.CANCELLED),
        (("PendingCancel", "Cancelled"), OrderState.CANCELLED),  # IOC
        (("Inactive",), OrderState.INACTIVE),  # FOK
        (("PreSubmitted", "Filled", "Filled"), OrderState.FILLED),
        (("PreSubmitted", "PreSubmitted", "PreSubmitted", "Cancelled"), OrderState.CANCELLED),  # a stop, echoed twice
        (("Submitted", "PendingCancel", "Filled"), OrderState.FILLED),
        (("order dead", "Inactive"), OrderState.REJECTED),
    ],
)
def test_recorded_sequences(words, expected):
    """What live gateways have said in recordings leads where it led."""
    assert walk(*words) is expected


def test_table_is_complete():
    """Every state has its row, and every row leads to known states."""
    assert set(TABLE) == set(OrderState)
    assert set(OrderState) == LIVE | TERMINAL


@given(st.sampled_from(sorted(TERMINAL)), st.sampled_from(STATUSES))
def test_the_end_is_the_end(state, word):
    """A finished order never moves: a late word is a harmless duplicate or a surprise, nothing else."""
    try:
        assert next_state(state, word) is state
    except UnexpectedMove:
        assert (state, word) not in {(OrderState.FILLED, OrderWord.FILLED), (OrderState.CANCELLED, OrderWord.CANCELLED)}


@given(st.sampled_from(list(OrderState)), st.sampled_from(STATUSES))
def test_duplicates_change_nothing(state, word):
    """The same status twice is the same as once."""
    try:
        once = next_state(state, word)
    except UnexpectedMove:
        return
    assert next_state(once, word) is once


@pytest.mark.parametrize("word", ["Working", "", "filled", "202"])
def test_unknown_words_are_surprises(word):
    """A status that IB does not have is never guessed at."""
    with pytest.raises(UnexpectedMove):
        next_state(OrderState.WORKING, word)


def test_a_cancelled_order_that_fills_is_a_surprise():
    """Cancelled, then Filled or working: only the broker's lists can tell."""
    for word in ("Filled", "Submitted", "PreSubmitted"):
        with pytest.raises(UnexpectedMove):
            next_state(OrderState.CANCELLED, word)


@pytest.mark.parametrize("state", [OrderState.HELD, OrderState.WORKING])
@pytest.mark.parametrize("meaning", ["order dead", "request failed", "cancel verdict", "unknown", "retry later"])
def test_a_notice_on_a_working_order_is_never_a_cancel(state, meaning):
    """A refused modify says the same words as a refused order: nothing is inferred."""
    with pytest.raises(UnexpectedMove):
        notice_state(state, meaning)


@pytest.mark.parametrize("meaning", ["info", "warning", "data advisory"])
def test_warnings_leave_the_order_alone(meaning):
    """2161, 399, 404 and the like: the order lives."""
    for state in OrderState:
        assert notice_state(state, meaning) is state


def test_a_dead_order_before_any_word_is_rejected():
    """201 on an order that was never acknowledged ends it."""
    assert notice_state(OrderState.SENT, "order dead") is OrderState.REJECTED
    assert notice_state(OrderState.CANCELLING, "order dead") is OrderState.CANCELLED
    assert notice_state(OrderState.FILLED, "cancel verdict") is OrderState.FILLED
