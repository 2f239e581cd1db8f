import numpy as np
import pytest

from momentum_kit.simgateway.embedding import GeneratedSource, to_ms
from momentum_kit.simgateway.scenario import load_scenario, parse_scenario

SPEC = {"seed": 5, "end": "16:00", "universe": {"small_caps": 10, "large_caps": 1}}


@pytest.fixture(scope="module")
def tapes():
    """A whole day of ten small caps, a large one and AAPL, without news: (company, tape)."""
    source = GeneratedSource(parse_scenario(SPEC))
    day = source.scenario.day
    return [(company, source.tape(con_id, day)) for con_id, company in source.companies.items()]


def test_quotes_are_sampled_and_never_crossed_nor_stale(tapes):
    """Bid lies below ask on the tick grid, updates are 250 ms or more apart and at most 3 s."""
    for company, tape in tapes:
        assert (tape.bid < tape.ask).all()
        assert np.allclose(np.round(tape.bid / company.tick), tape.bid / company.tick)
        gaps = np.diff(tape.quote_ms)
        assert gaps.min() >= 250
        assert gaps.max() <= 3000


def test_prints_lie_inside_the_market(tapes):
    """Every print is between the bid and the ask in force, its size a whole number of shares."""
    for _, tape in tapes:
        row = np.searchsorted(tape.quote_ms, tape.trade_ms, side="right") - 1
        assert (tape.price >= tape.bid[row] - 1e-9).all()
        assert (tape.price <= tape.ask[row] + 1e-9).all()
        assert tape.size.min() >= 1
        assert (np.diff(tape.total_volume) == tape.size[1:]).all()


def test_volume_is_u_shaped_and_near_the_usual(tapes):
    """The first and the last hour trade more than noon; a day trades what its company usually trades."""
    for company, tape in tapes:
        opened = to_ms(parse_scenario(SPEC).session.open)
        minute = (tape.trade_ms - opened) // 60_000
        first, noon, last = (tape.size[(minute >= a) & (minute < a + 60)].sum() for a in (0, 165, 330))
        assert first > noon
        assert last > noon * 0.8
        assert 0.3 < tape.size.sum() / company.daily_volume < 3


def test_small_caps_stand_still_at_times_and_bounce(tapes):
    """A good part of a small cap's minutes has no return; successive print returns are negatively correlated."""
    flat, bounce = [], []
    for company, tape in tapes:
        if not company.small:
            continue
        regular = tape.trade_ms >= to_ms(parse_scenario(SPEC).session.open)
        ms, price = tape.trade_ms[regular], np.log(tape.price[regular])
        ends = np.searchsorted(ms, np.arange(ms[0] + 60_000, ms[-1], 60_000)) - 1
        flat.append(np.mean(np.diff(price[ends]) == 0))
        moves = np.diff(price)
        bounce.append(np.corrcoef(moves[1:], moves[:-1])[0, 1])
    assert 0.1 < np.mean(flat) < 0.6
    assert np.mean(bounce) < -0.2


def test_prices_stay_in_the_small_cap_range():
    """Small caps open between $1.6 and $18, whatever the seed."""
    for seed in range(20):
        source = GeneratedSource(parse_scenario(SPEC | {"seed": seed}))
        assert all(1.6 <= company.price <= 18 for company in source.companies.values() if company.small)


def test_listings_have_distinct_ids_and_symbols():
    """No two listings share a con_id or a symbol; AAPL is always there."""
    source = GeneratedSource(load_scenario("demo"))
    symbols = {instrument.symbol for instrument in source.instruments.values()}
    assert len(symbols) == len(source.instruments) == 27
    assert source.instruments[265598].symbol == "AAPL"


def test_fixed_traits_replace_drawn_ones():
    """A symbol of the scenario has the traits written there; a new name is listed as well."""
    symbols = [{"symbol": "AAPL", "price_usd": 100}, {"symbol": "QQZX", "price_usd": 5, "daily_volume": 10_000}]
    source = GeneratedSource(parse_scenario({"universe": {"small_caps": 2, "symbols": symbols}}))
    by_symbol = {company.instrument.symbol: company for company in source.companies.values()}
    assert by_symbol["AAPL"].price == 100
    assert (by_symbol["QQZX"].price, by_symbol["QQZX"].daily_volume) == (5, 10_000)
