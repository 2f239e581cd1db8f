"""The parts of a market day: thin early and late hours, the closing auction, half days; and prices below a dollar."""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from momentum_kit.simgateway.embedding import Scenario, open_market, to_ms
from momentum_kit.simgateway.events import QuoteEvent, TradeEvent
from momentum_kit.simgateway.scenario import SymbolSpec, UniverseSpec

AAPL = 265598


def whole_day(**terms):
    """A day from before the opening to after-hours."""
    universe = terms.pop("universe", UniverseSpec(small_caps=0, large_caps=0))
    fields = {"start": time(8, 0), "end": time(20, 0), "seed": 5, "history_sessions": 2, "universe": universe}
    return Scenario(**fields | terms)


def events_of(scenario, con_id=AAPL):
    """All that happens to one contract."""
    market = open_market(scenario)
    market.activate(con_id)
    return market.advance(market.ends)


def test_late_hours_are_thin_but_not_silent():
    """Prints and quotes until 20:00, few against an hour of the day, behind a wider touch."""
    scenario = whole_day()
    close = scenario.session.close
    events = events_of(scenario)
    noon = [e for e in events if close - timedelta(hours=4) <= e.time < close - timedelta(hours=3)]
    late = [e for e in events if e.time >= close]
    prints = [e for e in late if isinstance(e, TradeEvent)]
    assert prints[-1].time > close + timedelta(hours=3)
    assert sum(e.size for e in prints) < 0.3 * sum(e.size for e in noon if isinstance(e, TradeEvent))
    assert spread(late) > 2 * spread(noon)
    assert max(e.time for e in late) < close + timedelta(hours=4)


def spread(events):
    """Mean of ask less bid, USD."""
    return float(np.mean([e.ask - e.bid for e in events if isinstance(e, QuoteEvent)]))


def test_a_day_that_ends_at_the_close_is_the_beginning_of_a_longer_one():
    """The regular hours have their closing print either way, the largest of the day and inside its bars."""
    scenario = whole_day(end=time(16, 0))
    market = open_market(scenario)
    market.activate(AAPL)
    prints = [e for e in market.advance(market.ends) if isinstance(e, TradeEvent)]
    assert prints[-1].time == scenario.session.close - timedelta(milliseconds=1)
    assert prints[-1].size == max(e.size for e in prints)
    (bar,) = market.bars(AAPL, None, "1 D", "1 day", "TRADES", use_rth=True)
    assert bar.close == prints[-1].price
    first = to_ms(scenario.session.open)
    assert bar.volume == sum(e.size for e in prints if to_ms(e.time) >= first)


def test_a_half_day_is_short_from_end_to_end():
    """The day after Thanksgiving: the auction at 13:00, late hours until 17:00."""
    scenario = whole_day(day=date(2026, 11, 27))
    prints = [e for e in events_of(scenario) if isinstance(e, TradeEvent)]
    largest = max(prints, key=lambda e: e.size)
    assert largest.time == datetime(2026, 11, 27, 17, 59, 59, 999_000, tzinfo=UTC)
    assert datetime(2026, 11, 27, 21, 0, tzinfo=UTC) < prints[-1].time < datetime(2026, 11, 27, 22, 0, tzinfo=UTC)


def test_below_a_dollar_prices_are_finer():
    """Quotes and prints on hundredths of a cent, in history as well; from a dollar on whole cents."""
    spec = SymbolSpec(symbol="VYRX", price_usd=0.62, spread_bps=30)
    scenario = whole_day(end=time(10, 0), universe=UniverseSpec(small_caps=0, large_caps=0, symbols=(spec,)))
    market = open_market(scenario)
    (listed,) = market.find(symbol="VYRX")
    assert listed.min_tick == 0.0001
    events = events_of(scenario, listed.con_id)
    prices = [e.price for e in events if isinstance(e, TradeEvent)] + [
        e.bid for e in events if isinstance(e, QuoteEvent)
    ]
    assert any(round(price * 100, 6) % 1 for price in prices)
    assert all(round(price * 10_000, 6) % 1 == 0 for price in prices)
    old = market.bars(
        listed.con_id, scenario.session.open - timedelta(hours=12), "1 D", "1 min", "TRADES", use_rth=True
    )
    assert any(round(bar.close * 100, 6) % 1 for bar in old)
    assert all(round(e.price * 100, 6) % 1 == 0 for e in events_of(scenario) if isinstance(e, TradeEvent))


@pytest.mark.parametrize("day", [date(2026, 11, 26), date(2026, 11, 21)])
def test_a_day_without_a_session_is_refused(day):
    """Thanksgiving and a Saturday."""
    with pytest.raises(ValueError, match="not an exchange day"):
        whole_day(day=day)


def test_milliseconds_are_exact():
    """14:31:00.001 is a millisecond after 14:31, though its timestamp as a float is not."""
    minute = datetime(2026, 11, 20, 14, 31, tzinfo=UTC)
    assert all(to_ms(minute + timedelta(milliseconds=n)) - to_ms(minute) == n for n in range(1000))
