"""Round trips on a recorded tape: the fast form against a plain one, and each rule by example."""

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.config import ExitSettings, RiskSettings
from momentum_kit.models.orders import OrderAction
from momentum_kit.trading import US_STOCK_BANDS, CommissionPlan, commission, commissions, parse_costs, rates_on
from momentum_kit.trading.fills import NO_EXIT, NO_FILL, FillExits, FillTerms
from momentum_kit.trading.fills import tape as fills
from momentum_kit.trading.fills.tape import STOPPED, TARGET, TIMED, FillOrder
from momentum_kit.trading.prices import entry_limit, round_price
from momentum_kit.trading.risk import plan_bracket

COSTS = parse_costs(yaml.safe_load((Path(__file__).parents[3] / "config" / "costs.yaml").read_text(encoding="utf-8")))
S = 1_000_000
STEP = 5 * S
EXITS = FillExits(1.5, 2.0, 2.0, math.nan, 60 * S)
TERMS = FillTerms(1 * S, 17.5, 0.5, 0.05, 50.0, 1.0, 10_000.0)


@dataclass(frozen=True)
class Row:
    """One 5 s interval of a test's tape; trade is (open, high, low, close, volume), None without one."""

    start: int
    trade: tuple[float, float, float, float, float] | None = None
    bid: tuple[float, float] | None = None  # at the interval's start and end
    ask: tuple[float, float] | None = None
    size: float = 10_000.0


def tape(rows: list[Row]) -> tuple[fills.FillBars, fills.FillQuotes]:
    """The rows as the columns that the compiled form takes."""
    traded = [row for row in rows if row.trade]
    quoted = [row for row in rows if row.bid]
    prices = np.array([row.trade for row in traded], dtype=float).reshape(-1, 5).T
    touch = [
        np.array([getattr(row, side)[end] for row in quoted], dtype=float) for side in ("bid", "ask") for end in (0, 1)
    ]
    sizes = np.array([row.size for row in quoted], dtype=float)
    starts, seen = (np.array([row.start for row in part], dtype=np.int64) for part in (traded, quoted))
    bars = fills.FillBars(starts, np.full(starts.size, STEP), *(np.ascontiguousarray(column) for column in prices))
    return bars, fills.FillQuotes(seen, np.full(seen.size, STEP), touch[0], touch[1], sizes, touch[2], touch[3], sizes)


def steady(n: int = 60, price: float = 5.0, *, quotes: bool = True) -> list[Row]:
    """A market that stands still at one price, a cent either side, from a minute before the decision at 0."""
    touch = ((price - 0.01,) * 2, (price + 0.01,) * 2) if quotes else (None, None)
    return [Row(i * STEP, (price, price, price, price, 5_000.0), *touch) for i in range(-12, n)]


def put(rows: list[Row], at: int, **changes: object) -> list[Row]:
    """The rows with the one that starts at `at` changed."""
    return [Row(**{**row.__dict__, **changes}) if row.start == at else row for row in rows]


def trip(rows: list[Row], exits: FillExits = EXITS, terms: FillTerms = TERMS, close_at: int = 0) -> fills.Trip:
    """A round trip decided at 0 with a price of 5 USD and an ATR of 3 cents."""
    return fills.round_trip(*tape(rows), FillOrder(0, 5.0, 0.03, close_at), exits, terms)


# -- the plain form ----------------------------------------------------------------------------------------------------


def plain_touch(rows: list[Row], at: int) -> tuple[float, float, float] | None:
    """Bid, ask and the size shown before, read off the row that holds `at`."""
    for i, row in enumerate(rows):
        if row.bid and row.ask and row.start <= at < row.start + STEP:
            share = (at - row.start) / STEP
            bid = row.bid[0] + share * (row.bid[1] - row.bid[0])
            ask = row.ask[0] + share * (row.ask[1] - row.ask[0])
            before = rows[i - 1] if i and rows[i - 1].bid and rows[i - 1].start + STEP == row.start else row
            return (bid, ask, before.size) if 0 < bid <= ask else None
    return None


def plain_minute_volume(rows: list[Row], at: int) -> float:
    """Volume of the 5 s bars closed by `at` that began within the minute before the last full bar's end."""
    since = at // STEP * STEP - 60 * S
    return sum(row.trade[4] for row in rows if row.trade and since <= row.start and row.start + STEP <= at)


def plain_impact(rows: list[Row], at: int, shares: float, price: float, atr: float, terms: FillTerms) -> float:
    """The coefficient x sigma_1m x sqrt(q / V), sigma_1m from the ATR."""
    sigma = (0.01 * price if math.isnan(atr) else atr) / math.sqrt(8 / math.pi)
    return terms.impact_coef * sigma * math.sqrt(shares / max(plain_minute_volume(rows, at), 100.0))


def plain_round_trip(
    rows: list[Row], order: FillOrder, exits: FillExits, terms: FillTerms
) -> tuple[int, float, float, float]:
    """The rules once more, row by row with the live kit's rounding: how it ended, shares, what was paid and got."""
    quoted = any(row.bid for row in rows)
    traded = [row for row in rows if row.trade]
    if quoted:
        last = [row for row in rows if row.bid and row.start + STEP <= order.at][-1:]
        if not last or not last[0].bid or not last[0].ask or not 0 < last[0].bid[1] <= last[0].ask[1]:
            return NO_FILL, 0.0, math.nan, math.nan
        ask = last[0].ask[1]
    else:
        ask = order.price * (1 + terms.half_spread_bps / 1e4)
    limit = entry_limit(ask, terms.entry_cap_bps, US_STOCK_BANDS)
    risk = max(ask * exits.stop_min_pct / 100, 0.0 if math.isnan(order.atr) else exits.stop_atr * order.atr)
    stop = round_price(max(ask - risk, 0.0), US_STOCK_BANDS, "down")
    target = math.inf if math.isnan(exits.target_r) else round_price(ask + exits.target_r * risk, US_STOCK_BANDS, "up")
    arrives = order.at + terms.latency_us
    if quoted:
        now = plain_touch(rows, arrives)
        if now is None or now[1] > limit + 1e-9:
            return NO_FILL, 0.0, math.nan, math.nan
        fair, half, bought_at = (now[0] + now[1]) / 2, (now[1] - now[0]) / 2, arrives
        shares = math.floor(min(terms.notional_usd / limit, now[2]))
        cost = half
    else:
        later = [row for row in traded if row.start >= arrives][:1]
        if not later or later[0].start - arrives > 10 * S or not later[0].trade:
            return NO_FILL, 0.0, math.nan, math.nan
        fair, bought_at = later[0].trade[0], later[0].start
        volume = plain_minute_volume(rows, arrives)
        shares = math.floor(min(terms.notional_usd / limit, terms.max_participation * volume))
        cost = fair * terms.half_spread_bps / 1e4
        cost += plain_impact(rows, arrives, shares, fair, order.atr, terms) if shares else 0.0
        if fair + cost > limit + 1e-9:
            return NO_FILL, 0.0, math.nan, math.nan
    if shares < 1 or stop <= 0:
        return NO_FILL, 0.0, math.nan, math.nan
    paid = fair + terms.multiple * cost
    due = bought_at + exits.time_stop_us
    if order.close_at:
        due = min(due, max(order.close_at, bought_at))
    sends = math.ceil(due / STEP) * STEP + terms.latency_us
    highest = fair
    for row in traded:
        if row.start + STEP <= bought_at or row.start >= sends or not row.trade:
            continue
        opened, high, low, close, _ = row.trade
        whole = row.start >= bought_at
        if low <= stop:
            level = min(stop, opened) if whole else stop
            half = level * terms.half_spread_bps / 1e4
            if row.bid and row.ask:
                half = max(row.ask[0] - row.bid[0], row.ask[1] - row.bid[1], 0.0) / 2
            push = plain_impact(rows, row.start, shares, level, order.atr, terms)
            return STOPPED, shares, paid, max(level - terms.multiple * (half + push), 0.0)
        if row.start + STEP > sends:
            break
        if whole and high > target + 1e-9:
            return TARGET, shares, paid, target
        highest = max(highest, high if whole else close)
        if not math.isnan(exits.trail_r):
            trailed = highest - exits.trail_r * risk
            stop = max(stop, round_price(trailed, US_STOCK_BANDS, "down")) if trailed > 0 else stop
    if quoted:
        moments = [sends, *(row.start for row in rows if row.bid and row.start > sends)]
        valid = [(at, now) for at in moments if (now := plain_touch(rows, at))]
        if not valid:
            return NO_EXIT, shares, paid, math.nan
        _, (bid, ask_now, shown) = valid[0]
        middle, cost = (bid + ask_now) / 2, (ask_now - bid) / 2
        cost += plain_impact(rows, sends, shares, middle, order.atr, terms) if shares > shown else 0.0
        return TIMED, shares, paid, middle - terms.multiple * cost
    after = [row for row in traded if row.start >= sends][:1]
    if not after or not after[0].trade:
        return NO_EXIT, shares, paid, math.nan
    fair = after[0].trade[0]
    cost = fair * terms.half_spread_bps / 1e4 + plain_impact(rows, sends, shares, fair, order.atr, terms)
    return TIMED, shares, paid, fair - terms.multiple * cost


@st.composite
def markets(draw: st.DrawFn) -> list[Row]:
    """A wild few minutes around the decision at 0: gaps, halts, crossed quotes, thin sizes, big steps."""
    quoted = draw(st.booleans())
    cents = draw(st.integers(60, 600))
    spread = draw(st.integers(0, 4))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    rough = draw(st.sampled_from([0.4, 2.0, 8.0]))
    rows = []
    for i in range(-14, draw(st.integers(1, 40))):
        opened, cents = cents, max(cents + round(float(rng.normal(0, rough))), 20)
        high, low = max(opened, cents) + int(rng.integers(0, 3)), min(opened, cents) - int(rng.integers(0, 3))
        trade = (opened / 100, high / 100, low / 100, cents / 100, float(rng.integers(1, 4_000)))
        crossed = 6 if rng.random() < 0.05 else 0
        bid = ((opened - spread + crossed) / 100, (cents - spread) / 100)
        ask = ((opened + spread) / 100, (cents + spread - crossed) / 100)
        shows = quoted and rng.random() < 0.95
        rows.append(
            Row(
                i * STEP,
                trade if rng.random() < 0.8 else None,
                bid if shows else None,
                ask if shows else None,
                float(rng.choice([50, 700, 30_000])),
            )
        )
    return rows


@settings(max_examples=400, deadline=None)
@given(
    rows=markets(),
    atr=st.sampled_from([0.005, 0.03, 0.2, math.nan]),
    target=st.sampled_from([0.5, 2.0, math.nan]),
    trail=st.sampled_from([1.0, math.nan]),
    stop_pct=st.sampled_from([0.5, 2.0]),
    time_stop_s=st.sampled_from([15, 60, 900]),
    close_s=st.sampled_from([0, 20, 45]),
    latency=st.sampled_from([0, 1, 5, 12]),
    multiple=st.sampled_from([1.0, 2.0]),
)
def test_fast_form_agrees_with_the_plain_one(
    rows: list[Row],
    atr: float,
    target: float,
    trail: float,
    stop_pct: float,
    time_stop_s: int,
    close_s: int,
    latency: int,
    multiple: float,
) -> None:
    """On any tape the compiled round trip and the plain one end the same way, at the same prices."""
    price = next((row.trade[3] for row in reversed(rows) if row.trade and row.start < 0), 1.0)
    order = FillOrder(0, price, atr, close_s * S)
    exits = FillExits(1.5, stop_pct, target, trail, time_stop_s * S)
    terms = TERMS._replace(latency_us=latency * S, multiple=multiple)
    fast = fills.round_trip(*tape(rows), order, exits, terms)
    ended, shares, paid, got = plain_round_trip(rows, order, exits, terms)
    assert fast.ended == ended
    assert fast.shares == shares
    assert (fast.buy, fast.sell) == pytest.approx((paid, got), rel=1e-9, nan_ok=True)


@settings(max_examples=300, deadline=None)
@given(price=st.floats(0.0101, 2_000.0), cap=st.floats(0.0, 200.0))
def test_prices_are_rounded_as_live_orders_are(price: float, cap: float) -> None:
    """The compiled grid is the one on which the sizing of a live session rounds."""
    price = round(price, 6)
    assert fills.floor_tick(price) == round_price(price, US_STOCK_BANDS, "down")
    assert fills.ceil_tick(price) == round_price(price, US_STOCK_BANDS, "up")
    assert fills.entry_limit(price, cap) == entry_limit(price, cap, US_STOCK_BANDS)


@settings(max_examples=200, deadline=None)
@given(ask=st.floats(1.0, 50.0), atr=st.sampled_from([0.01, 0.2, math.nan]), target_r=st.sampled_from([0.5, 2.0]))
def test_stop_and_target_are_those_of_a_live_bracket(ask: float, atr: float, target_r: float) -> None:
    """The distance from the known ask, rounded away from it, is what the sizing of a live session plans."""
    ask = round(ask, 2)
    plan = plan_bracket(ask, atr, RiskSettings(), ExitSettings(target_r=target_r), US_STOCK_BANDS)
    risk = fills.stop_distance(ask, atr, EXITS)
    assert fills.floor_tick(ask - risk) == plan.stop_price
    assert fills.ceil_tick(ask + target_r * risk) == plan.target_price


@settings(max_examples=300, deadline=None)
@given(
    shares=st.integers(0, 20_000),
    price=st.floats(0.05, 50.0),
    on=st.dates(date(2025, 1, 1), date(2027, 6, 1)),
    plan=st.sampled_from(["fixed", "tiered"]),
    side=st.sampled_from(list(OrderAction)),
)
def test_many_commissions_at_once_are_each_as_alone(
    shares: int, price: float, on: date, plan: CommissionPlan, side: OrderAction
) -> None:
    """The costs of arrays are the costs of single orders, on every day and for both plans."""
    many = commissions(rates_on(COSTS, plan, on), side, np.full(3, float(shares)), np.full(3, price))
    assert many == pytest.approx(np.full(3, commission(COSTS, plan, side, shares, price, on)), rel=1e-12)


# -- each rule by example ------------------------------------------------------------------------------------------


def test_a_still_market_costs_the_spread() -> None:
    """With quotes the ask is paid and the bid is got, and the fair price did not move."""
    result = trip(steady())
    assert (result.ended, result.buy, result.sell) == (TIMED, pytest.approx(5.01), pytest.approx(4.99))
    assert result.fair_buy == result.fair_sell == pytest.approx(5.0)
    assert result.sold_at == 66 * S, "bought at 1 s, held 60 s, asked for at the beat of 65 s, sold a second later"


def test_the_ask_is_the_one_at_arrival() -> None:
    """A rising ask is paid one latency after the decision, between the ends of its interval."""
    rows = put(steady(), 0, ask=(5.01, 5.03))
    assert trip(rows).buy == pytest.approx(5.01 + 0.2 * 0.02)


@pytest.mark.parametrize("quotes", [True, False])
def test_beyond_the_limit_nothing_fills(quotes: bool) -> None:
    """An ask, or an open with its costs, more than the cap above the known one is no fill."""
    rows = steady(quotes=quotes)
    rows = put(rows, 0, ask=(5.50, 5.50)) if quotes else put(rows, STEP, trade=(5.2, 5.2, 5.2, 5.2, 500.0))
    assert trip(rows).ended == NO_FILL


def test_the_size_is_what_was_shown_before_the_order_came() -> None:
    """Shares are limited by the size at the end of the interval before."""
    rows = put(put(steady(), -STEP, size=300.0), 0, size=9_000.0)
    assert trip(rows).shares == 300


def test_without_sizes_the_minute_before_limits_the_shares() -> None:
    """Quote history without sizes falls back on a share of the prior minute's volume."""
    rows = [Row(**{**row.__dict__, "size": math.nan}) for row in steady()]
    assert trip([Row(**{**r.__dict__, "trade": (5.0, 5.0, 5.0, 5.0, 100.0)}) for r in rows]).shares == 60


def test_bars_alone_pay_half_a_usual_spread_and_the_impact() -> None:
    """The next bar's open is paid with 17.5 bps and 0.5 sigma sqrt(q / V); shares are 5% of the minute before."""
    calm = steady(quotes=False)
    result = trip([Row(**{**row.__dict__, "trade": (5.0, 5.0, 5.0, 5.0, 1_000.0)}) for row in calm])
    assert result.shares == 600
    assert result.buy == pytest.approx(5.0 * (1 + 17.5e-4) + 0.5 * 0.03 / math.sqrt(8 / math.pi) * math.sqrt(0.05))
    assert result.fair_buy == 5.0


def test_a_bar_that_touches_both_takes_the_stop() -> None:
    """Stop first: the stop is 2% below the ask, the target 4% above, and one bar reaches both."""
    rows = put(steady(), 2 * STEP, trade=(5.0, 5.6, 4.5, 5.0, 5_000.0))
    assert trip(rows).ended == STOPPED


def test_a_stop_fills_at_its_price_less_half_the_spread_and_the_impact() -> None:
    """Touched inside a bar, the stop's own price counts."""
    result = trip(put(steady(), 2 * STEP, trade=(5.0, 5.0, 4.8, 4.9, 5_000.0)))
    assert result.fair_sell == 4.9, "2% below the ask of 5.01, rounded down"
    shares = math.floor(10_000 / 5.03)
    push = 0.5 * 0.03 / math.sqrt(8 / math.pi) * math.sqrt(shares / 60_000)
    assert result.sell == pytest.approx(4.9 - 0.01 - push)


def test_a_stop_that_is_jumped_over_fills_at_the_open() -> None:
    """min(stop, open): a gap below the stop is lost as a whole."""
    assert trip(put(steady(), 2 * STEP, trade=(4.2, 4.3, 4.1, 4.2, 5_000.0))).fair_sell == 4.2


def test_a_target_needs_a_trade_above_it() -> None:
    """A touch at the target is no fill; a cent above it is one, at the target's own price."""
    target = 5.22  # 5.01 + 2 x 2%, rounded up
    touched, through = (trip(put(steady(), 2 * STEP, trade=(5.0, high, 5.0, 5.0, 5_000.0))) for high in (target, 5.23))
    assert touched.ended == TIMED
    assert (through.ended, through.sell) == (TARGET, target)


def test_the_entry_bar_can_stop_but_not_reach_the_target() -> None:
    """What a bar did before the entry inside it is not known: the stop counts, the target does not."""
    up, down = (put(steady(), 0, trade=(5.0, 5.6, low, 5.0, 5_000.0)) for low in (5.0, 4.5))
    assert (trip(up).ended, trip(down).ended) == (TIMED, STOPPED)


def test_a_trailing_stop_follows_the_highs_of_earlier_bars() -> None:
    """After a high of 5.15 a trail of 1 R (10 cents) lies at 5.04; the bar of the high itself does not raise it."""
    exits = EXITS._replace(target_r=math.nan, trail_r=1.0)
    rows = put(steady(), 2 * STEP, trade=(5.0, 5.15, 5.0, 5.1, 5_000.0))
    result = trip(rows, exits)
    assert (result.ended, result.sold_at) == (STOPPED, 3 * STEP)
    assert result.fair_sell == 5.0, "the next bar opened below the trail of 5.04"


def test_nothing_fills_in_a_halt() -> None:
    """A halt over the entry is no fill; one over the time exit ends at the first quote after it."""
    entry = [row for row in steady() if row.start < 0 or row.start > 3 * STEP]
    assert trip(entry).ended == NO_FILL
    halted = [row for row in steady() if not 60 * S <= row.start < 200 * S]
    halted = put(halted, 200 * S, bid=(4.5, 4.5), ask=(4.6, 4.6))
    result = trip(halted)
    assert (result.ended, result.sold_at, result.sell) == (TIMED, 200 * S, pytest.approx(4.5))


def test_a_tape_that_ends_too_early_leaves_the_outcome_unknown() -> None:
    """A position that cannot be sold on the tape has no outcome, not a zero."""
    assert trip(steady(8)).ended == NO_EXIT


def test_the_close_comes_before_the_time_stop() -> None:
    """A position is flat from the given moment before the session's end."""
    assert trip(steady(), close_at=31 * S).sold_at == 36 * S


def test_doubled_costs_change_prices_and_not_fills() -> None:
    """The stress pays twice the distance from the fair price, for the same shares at the same times."""
    once, twice = (trip(steady(), terms=TERMS._replace(multiple=each)) for each in (1.0, 2.0))
    assert (twice.buy - twice.fair_buy, twice.fair_sell - twice.sell) == (pytest.approx(0.02), pytest.approx(0.02))
    assert (twice.ended, twice.shares, twice.sold_at) == (once.ended, once.shares, once.sold_at)


def test_minute_bars_take_the_minute_before() -> None:
    """With minute bars the prior bar's volume limits the size, and the entry waits for the next bar's open."""
    minute = 60 * S
    start = np.arange(-5, 30, dtype=np.int64) * minute
    price = np.full(start.size, 5.0)
    volume = np.full(start.size, 8_000.0)
    bars = fills.FillBars(start, np.full(start.size, minute), price, price, price, price, volume)
    result = fills.round_trip(
        bars, tape([])[1], FillOrder(0, 5.0, 0.03, 0), EXITS._replace(time_stop_us=900 * S), TERMS
    )
    assert (result.shares, result.sold_at) == (400, 17 * minute)
