import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.errors import ResearchError
from momentum_kit.research.validation.folds import day_folds, overlaps, purged_folds, walk_forward

DAYS = np.arange("2026-01-05", "2026-06-20", dtype="datetime64[D]")
some_days = st.lists(st.integers(0, 60), min_size=8, max_size=60).map(lambda offsets: DAYS[0] + np.array(offsets))


def test_walk_forward_judges_each_month_by_all_earlier_days():
    """Training ends where the month begins; the first months have too little before them."""
    found = list(walk_forward(DAYS, least_train_days=40))
    assert [fold.name for fold in found] == ["2026-03", "2026-04", "2026-05", "2026-06"]
    for fold in found:
        assert DAYS[fold.train].max() < DAYS[fold.test].min()
        assert (DAYS[fold.test].astype("datetime64[M]") == np.datetime64(fold.name)).all()
    assert found[-1].train.sum() + found[-1].test.sum() == len(DAYS)


@pytest.mark.parametrize("days", [["2026-01-02", "2026-01-01"], ["2026-01-01", "2026-01-01"], ["2026-01-01", "NaT"]])
def test_walk_forward_refuses_days_out_of_order(days):
    """Unsorted, doubled or missing days are refused."""
    with pytest.raises(ResearchError):
        list(walk_forward(np.array(days, dtype="datetime64[D]")))


@given(some_days)
def test_no_day_is_ever_split(days):
    """Every event is tested once, and a day that is tested is not trained on."""
    if len(np.unique(days)) < 4:
        return
    tested = np.zeros(len(days), dtype=int)
    for fold in day_folds(days, 4):
        assert not set(days[fold.train]) & set(days[fold.test])
        assert not (fold.train & fold.test).any()
        tested += fold.test
    assert (tested == 1).all()


def test_the_days_after_a_test_fold_do_not_teach():
    """The embargo lies behind the test fold, not before it."""
    fold = list(day_folds(DAYS, 5, embargo=0.02))[1]
    last, day = DAYS[fold.test].max(), np.timedelta64(1, "D")
    wait = int(np.ceil(0.02 * len(DAYS))) * day
    assert not fold.train[(last + wait >= DAYS) & (last < DAYS)].any()
    assert fold.train[last + wait + day == DAYS].all()
    assert fold.train[DAYS[fold.test].min() - day == DAYS].all()


@pytest.mark.parametrize("folds", [1, 500])
def test_an_impossible_number_of_folds_is_refused(folds):
    """One fold has nothing to learn from; more folds than days would be empty."""
    with pytest.raises(ResearchError, match="folds"):
        list(day_folds(DAYS, folds))


@given(some_days, st.lists(st.integers(0, 100), min_size=60, max_size=60))
def test_no_training_span_meets_a_test_span(days, hours):
    """Spans over several days are purged, whatever they overlap."""
    if len(np.unique(days)) < 3:
        return
    t0 = days.astype("datetime64[us]")
    t1 = t0 + np.array(hours[: len(days)], dtype="timedelta64[h]")
    for fold in purged_folds(days, t0, t1, 3):
        for start, end in zip(t0[fold.train], t1[fold.train], strict=True):
            assert not ((t0[fold.test] <= end) & (t1[fold.test] >= start)).any()


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=12),
    st.tuples(st.integers(0, 50), st.integers(0, 9)),
)
def test_overlap_is_what_comparing_every_pair_says(others, one):
    """The sorted search finds exactly the spans that meet."""
    zero = np.datetime64("2026-01-01", "us")
    start = zero + np.array([o[0] for o in others], dtype="timedelta64[us]")
    end = start + np.array([o[1] for o in others], dtype="timedelta64[us]")
    mine = zero + np.array([[one[0]], [sum(one)]], dtype="timedelta64[us]")
    expected = any(one[0] <= o[0] + o[1] and o[0] <= one[0] + one[1] for o in others)
    assert overlaps(*mine, start, end).tolist() == [expected]


def test_a_span_that_ends_before_it_starts_is_refused_with_its_row():
    """The row is named."""
    t0 = DAYS.astype("datetime64[us]")
    t1 = t0.copy()
    t1[7] -= np.timedelta64(1, "s")
    with pytest.raises(ResearchError, match="row 7"):
        list(purged_folds(DAYS, t0, t1))
