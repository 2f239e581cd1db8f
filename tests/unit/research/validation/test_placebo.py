import math
from datetime import UTC, date, datetime, timedelta

import pytest

from momentum_kit.errors import ResearchError
from momentum_kit.models.contracts import Contract
from momentum_kit.models.news import Headline
from momentum_kit.research.validation.placebo import placebo_study, random_times, shuffled_days, shuffled_symbols
from momentum_kit.sessions import NEW_YORK, session_on

DAYS = [date(2026, 7, 6), date(2026, 7, 7), date(2026, 7, 8)]


def headlines() -> list[Headline]:
    """Six headlines on two days, each received 1.5 s late; the last one is not known to have been received."""
    found = []
    for number in range(6):
        at = datetime(2026, 7, 6 + number % 2, 14, 3 * number, tzinfo=UTC)
        received = None if number == 5 else at + timedelta(seconds=1.5)
        found.append(
            Headline(
                provider="DJNL",
                article_id=f"a{number}",
                text="text",
                published_at=at,
                received_at=received,
                contract=Contract(f"S{number}", number + 1),
            )
        )
    return found


def test_shuffled_symbols_keep_their_times():
    """The same contracts, each at another headline's time; the same seed, the same shuffle."""
    shuffled = shuffled_symbols(headlines(), seed=3)
    assert [one.published_at for one in shuffled] == [one.published_at for one in headlines()]
    assert sorted(str(one.contract) for one in shuffled) == sorted(str(one.contract) for one in headlines())
    assert [one.contract for one in shuffled] != [one.contract for one in headlines()]
    assert shuffled == shuffled_symbols(headlines(), seed=3)


def test_shuffled_days_keep_the_time_of_day_and_the_delay():
    """Every headline leaves its day; an unknown time of receipt stays unknown."""
    before = {one.article_id: one for one in headlines()}
    for one in shuffled_days(headlines(), DAYS, seed=1):
        old = before[one.article_id]
        assert one.contract == old.contract
        assert one.published_at.astimezone(NEW_YORK).time() == old.published_at.astimezone(NEW_YORK).time()
        assert one.published_at.date() != old.published_at.date()
        delay = one.received_at and one.received_at - one.published_at
        assert delay == (old.received_at and old.received_at - old.published_at)
    with pytest.raises(ResearchError, match="only one"):
        shuffled_days(headlines()[:1], DAYS[:1], seed=1)


def test_random_times_lie_in_regular_hours_of_the_same_day():
    """Symbol and day stay; a headline of a weekend has no such time and is left out."""
    saturday = Headline(
        provider="DJNL",
        article_id="w",
        text="text",
        published_at=datetime(2026, 7, 11, 15, tzinfo=UTC),
        received_at=None,
        contract=Contract("S", 9),
    )
    moved = random_times([*headlines(), saturday], seed=2)
    assert len(moved) == 6
    assert list(moved) == sorted(moved, key=lambda one: one.published_at)
    for one in moved:
        session = session_on(one.published_at.date())
        assert session is not None
        assert session.contains(one.published_at)


def test_a_headline_without_a_contract_cannot_be_shuffled():
    """It names the headline."""
    lost = Headline(
        provider="DJNL",
        article_id="lost",
        text="text",
        published_at=datetime(2026, 7, 6, 14, tzinfo=UTC),
        received_at=None,
    )
    with pytest.raises(ResearchError, match="lost is tied to no contract"):
        shuffled_symbols([lost], seed=1)


def test_a_real_edge_beats_its_placebos_and_no_edge_does_not(planted, planted_thresholds):
    """The p-value is the share of studies that did as well, the real one among them."""
    placebos = [planted(seed=number, edge_bps=-40) for number in range(2, 11)]
    real = placebo_study(planted(), placebos, planted_thresholds, "a")
    assert real.p_value == pytest.approx(0.1)
    assert real.real_signals > 0
    assert len(real.placebo_signals) == 9
    assert placebo_study(planted(edge_bps=-40), placebos, planted_thresholds, "a").p_value > 0.1
    none = placebo_study(planted(), placebos, planted_thresholds.model_copy(update={"min_z_tod": 99.0}), "a")
    assert math.isnan(none.p_value)
