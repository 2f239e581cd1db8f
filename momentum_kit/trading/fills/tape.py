"""What a long bracket would have brought on a recorded tape: one pass over bars and quotes; used by research.

Every rule is on the careful side of what a tape can tell:

- with quotes the entry pays the ask at the moment the order arrives and gets no more than the size that was shown;
- with bars alone it pays the open of the first bar that begins after the order arrived, half a usual spread and an
  impact of `coef x sigma_1m x sqrt(shares / shares of the minute before)`, for a share of that minute's volume at most;
- beyond the entry's limit there is no fill, and without a fresh quote or bar (a halt) nothing fills at all;
- a target fills at its price, and only where a trade prints above it;
- a bar that touches stop and target takes the stop, at min(stop, open) less half the spread and the impact;
- time and close send a market sell that arrives one latency later: at the bid, or at the next open.

Inside a quote bar the touch is taken on the line between the bar's ends, the expected value of a quote that changes
once at an unknown moment. Times are int64 microseconds since the epoch, prices USD, sizes shares. Compiled with numba;
the tests judge it by a plain form of the same rules.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_kit.compilation import compiled, part

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NO_FILL, STOPPED, TARGET, TIMED, NO_EXIT = range(5)
"""How a round trip ended. NO_EXIT: bought, but the tape ends before it could be sold; its outcome is not known."""

BEAT_US = 5_000_000  # positions are looked at on the 5 s grid
MINUTE_US = 60_000_000
ENTRY_WAIT_US = 10_000_000  # an entry that has not filled is cancelled after this
LONGEST_HALT_US = 4 * 86_400_000_000  # a weekend; what prints later has nothing to do with this position
ROUND_LOT = 100.0
RANGE_OF_SIGMA = math.sqrt(8 / math.pi)  # expected range of a Brownian motion over its sigma (Feller 1951)
NAN = math.nan


class FillBars(NamedTuple):
    """Trades of one contract, oldest first: columns of equal length."""

    start: Ints
    length: Ints  # microseconds
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class FillQuotes(NamedTuple):
    """Best bid and ask of one contract at the ends of each interval, oldest first; sizes at its end."""

    start: Ints
    length: Ints  # microseconds
    bid_open: Floats
    bid_close: Floats
    bid_size: Floats
    ask_open: Floats
    ask_close: Floats
    ask_size: Floats


class FillOrder(NamedTuple):
    """One decision: when, on which prices (USD), and until when it may be held; close_at 0 where there is none."""

    at: int
    price: float  # close of the last bar
    atr: float  # ATR14 of 1-minute bars
    close_at: int  # when positions are closed before the session's end


class FillExits(NamedTuple):
    """How a position ends; nan for what a rule does without."""

    stop_atr: float
    stop_min_pct: float
    target_r: float
    trail_r: float
    time_stop_us: int


class FillTerms(NamedTuple):
    """What a fill costs beside fees. Bps are of the price, multiple scales every cost."""

    latency_us: int
    half_spread_bps: float
    impact_coef: float
    max_participation: float
    entry_cap_bps: float
    multiple: float
    notional_usd: float


class Trip(NamedTuple):
    """A round trip: USD a share before costs (fair) and as paid or got, whole shares, and when it was sold."""

    ended: int
    shares: float
    fair_buy: float
    buy: float
    fair_sell: float
    sell: float
    sold_at: int


class Touch(NamedTuple):
    """Bid, ask and the sizes shown at one moment; ask 0 where there is no valid quote."""

    bid: float
    ask: float
    bid_size: float
    ask_size: float


class Entry(NamedTuple):
    """A filled entry; shares 0 is no fill."""

    shares: float
    fair: float
    paid: float
    at: int


@part
def first_after(times: Ints, at: int) -> int:
    """Index of the first of ascending times that is later than `at`."""
    low, high = 0, times.size
    while low < high:
        middle = (low + high) // 2
        if times[middle] <= at:
            low = middle + 1
        else:
            high = middle
    return low


@part
def floor_tick(price: float) -> float:
    """Down to the grid of US stocks: a cent from one dollar on, a hundredth of a cent below."""
    per_usd = 100.0 if price >= 1.0 else 10_000.0
    return float(math.floor(price * per_usd + 1e-6) / per_usd)


@part
def ceil_tick(price: float) -> float:
    """Up to the grid of US stocks."""
    per_usd = 100.0 if price >= 1.0 else 10_000.0
    return float(math.ceil(price * per_usd - 1e-6) / per_usd)


@part
def entry_limit(ask: float, cap_bps: float) -> float:
    """The most an entry pays: the ask plus the cap, rounded down, never below the ask."""
    return max(floor_tick(ask * (1 + cap_bps / 1e4)), ceil_tick(ask))


@part
def stop_distance(ask: float, atr: float, exits: FillExits) -> float:
    """R, USD a share: the larger of the stop in ATR and the least per cent; without an ATR the latter."""
    least = ask * exits.stop_min_pct / 100
    return least if math.isnan(atr) else max(least, exits.stop_atr * atr)


@part
def impact(shares: float, minute_volume: float, price: float, atr: float, coef: float) -> float:
    """Square-root impact, USD a share. sigma_1m is read off the ATR of 1-minute bars; without one a range of 1%."""
    spread_of_minute = (0.01 * price if math.isnan(atr) else atr) / RANGE_OF_SIGMA
    return coef * spread_of_minute * math.sqrt(shares / max(minute_volume, ROUND_LOT))


@part
def touch_at(quotes: FillQuotes, at: int) -> Touch:
    """The quote at one moment; without an interval that holds it, or crossed, there is none."""
    i = first_after(quotes.start, at) - 1
    if i < 0 or at >= quotes.start[i] + quotes.length[i]:
        return Touch(0.0, 0.0, 0.0, 0.0)
    share = (at - quotes.start[i]) / quotes.length[i]
    bid = quotes.bid_open[i] + share * (quotes.bid_close[i] - quotes.bid_open[i])
    ask = quotes.ask_open[i] + share * (quotes.ask_close[i] - quotes.ask_open[i])
    if not 0 < bid <= ask:
        return Touch(0.0, 0.0, 0.0, 0.0)
    # sizes are known at an interval's end: what was shown before the order came is the interval before
    before = i - 1 if i > 0 and quotes.start[i - 1] + quotes.length[i - 1] == quotes.start[i] else i
    return Touch(bid, ask, quotes.bid_size[before], quotes.ask_size[before])


@part
def known_ask(quotes: FillQuotes, at: int) -> float:
    """The ask at the end of the last interval that had ended by `at`, USD; nan without a valid one."""
    i = first_after(quotes.start, at - 1) - 1
    while i >= 0 and quotes.start[i] + quotes.length[i] > at:
        i -= 1
    return float(quotes.ask_close[i]) if i >= 0 and 0 < quotes.bid_close[i] <= quotes.ask_close[i] else NAN


@part
def minute_volume(bars: FillBars, at: int) -> float:
    """Shares of the minute before `at` (before the last full bar's end), in bars closed by then."""
    i = first_after(bars.start, at - 1) - 1
    while i >= 0 and bars.start[i] + bars.length[i] > at:
        i -= 1
    total = 0.0
    while i >= 0 and bars.start[i] >= at // bars.length[i] * bars.length[i] - MINUTE_US:
        total += bars.volume[i]
        i -= 1
    return total


@part
def buy(bars: FillBars, quotes: FillQuotes, order: FillOrder, ask: float, terms: FillTerms) -> Entry:
    """The entry: a limit at the known ask plus the cap, arriving one latency after the decision."""
    none = Entry(0.0, NAN, NAN, 0)
    arrives = order.at + terms.latency_us
    limit = entry_limit(ask, terms.entry_cap_bps)
    wanted = terms.notional_usd / limit
    if quotes.start.size:
        now = touch_at(quotes, arrives)
        shown = now.ask_size  # nan where the history has no sizes
        if math.isnan(shown):
            shown = terms.max_participation * minute_volume(bars, arrives)
        shares = math.floor(min(wanted, shown))
        if now.ask <= 0 or now.ask > limit + 1e-9 or shares < 1:
            return none
        half = (now.ask - now.bid) / 2
        return Entry(float(shares), now.ask - half, now.ask - half + terms.multiple * half, arrives)
    i = first_after(bars.start, arrives - 1)
    if i >= bars.start.size or bars.start[i] - arrives > max(ENTRY_WAIT_US, bars.length[i]):
        return none
    before = minute_volume(bars, arrives)
    shares = math.floor(min(wanted, terms.max_participation * before))
    if shares < 1:
        return none
    fair = float(bars.open[i])
    cost = fair * terms.half_spread_bps / 1e4 + impact(shares, before, fair, order.atr, terms.impact_coef)
    if fair + cost > limit + 1e-9:
        return none
    return Entry(float(shares), fair, fair + terms.multiple * cost, int(bars.start[i]))


@part
def half_spread_in(quotes: FillQuotes, start: int, price: float, half_spread_bps: float) -> float:
    """Half the spread while a bar lasts, the wider of its two ends, USD; the usual one where nothing was quoted."""
    i = first_after(quotes.start, start) - 1
    if i < 0 or start >= quotes.start[i] + quotes.length[i]:
        return price * half_spread_bps / 1e4
    wide = max(quotes.ask_open[i] - quotes.bid_open[i], quotes.ask_close[i] - quotes.bid_close[i]) / 2
    if math.isnan(wide):  # one side is unknown
        return price * half_spread_bps / 1e4
    return float(max(wide, 0.0))


@part
def sell_at_market(
    bars: FillBars, quotes: FillQuotes, arrives: int, order: FillOrder, entry: Entry, terms: FillTerms
) -> Trip:
    """A market sell that arrives at `arrives`: the bid of that moment, else the next valid bid or open."""
    unknown = Trip(NO_EXIT, entry.shares, entry.fair, entry.paid, NAN, NAN, 0)
    before = minute_volume(bars, arrives)
    if quotes.start.size:
        at = arrives
        now = touch_at(quotes, at)
        i = first_after(quotes.start, at)
        while now.ask <= 0 and i < quotes.start.size:  # halted, or a quote that nobody can mean
            at = int(quotes.start[i])
            now = touch_at(quotes, at)
            i += 1
        if now.ask <= 0 or at - arrives > LONGEST_HALT_US:
            return unknown
        fair, half = (now.bid + now.ask) / 2, (now.ask - now.bid) / 2
        push = 0.0
        if not entry.shares <= now.bid_size:
            push = impact(entry.shares, before, fair, order.atr, terms.impact_coef)
        return Trip(TIMED, entry.shares, entry.fair, entry.paid, fair, fair - terms.multiple * (half + push), at)
    i = first_after(bars.start, arrives - 1)
    if i >= bars.start.size or bars.start[i] - arrives > LONGEST_HALT_US:
        return unknown
    fair = float(bars.open[i])
    cost = fair * terms.half_spread_bps / 1e4 + impact(entry.shares, before, fair, order.atr, terms.impact_coef)
    return Trip(TIMED, entry.shares, entry.fair, entry.paid, fair, fair - terms.multiple * cost, int(bars.start[i]))


@part
def exit_due(entry: Entry, order: FillOrder, exits: FillExits) -> int:
    """When the position manager asks for the exit: the first beat at which time stop or close are reached."""
    due = entry.at + exits.time_stop_us
    if order.close_at:
        due = min(due, max(order.close_at, entry.at))
    return -(-due // BEAT_US) * BEAT_US


@compiled
def round_trip(bars: FillBars, quotes: FillQuotes, order: FillOrder, exits: FillExits, terms: FillTerms) -> Trip:
    """Buy, hold, sell: the first of stop, target and time. NO_FILL where the entry, or its stop, is impossible."""
    none = Trip(NO_FILL, 0.0, NAN, NAN, NAN, NAN, 0)
    ask = known_ask(quotes, order.at) if quotes.start.size else order.price * (1 + terms.half_spread_bps / 1e4)
    if math.isnan(ask) or not ask > 0:
        return none
    risk = stop_distance(ask, order.atr, exits)
    stop = floor_tick(max(ask - risk, 0.0))
    target = math.inf if math.isnan(exits.target_r) else ceil_tick(ask + exits.target_r * risk)
    entry = buy(bars, quotes, order, ask, terms)
    if entry.shares < 1 or stop <= 0:
        return none
    arrives = exit_due(entry, order, exits) + terms.latency_us
    i = first_after(bars.start, entry.at) - 1
    if i < 0 or bars.start[i] + bars.length[i] <= entry.at:
        i += 1
    highest = entry.fair
    while i < bars.start.size and bars.start[i] < arrives:
        start = int(bars.start[i])
        whole = start >= entry.at  # else part of the bar came before the entry, its open and maybe its high
        if bars.low[i] <= stop:
            fair = min(stop, float(bars.open[i])) if whole else stop
            half = half_spread_in(quotes, start, fair, terms.half_spread_bps)
            push = impact(entry.shares, minute_volume(bars, start), fair, order.atr, terms.impact_coef)
            got = max(fair - terms.multiple * (half + push), 0.0)
            return Trip(STOPPED, entry.shares, entry.fair, entry.paid, fair, got, start)
        if start + bars.length[i] > arrives:
            break  # the market sell arrives within this bar, and whether the target came first nobody knows
        if whole and bars.high[i] > target + 1e-9:
            return Trip(TARGET, entry.shares, entry.fair, entry.paid, target, target, start)
        highest = max(highest, float(bars.high[i] if whole else bars.close[i]))
        if not math.isnan(exits.trail_r):
            stop = max(stop, floor_tick(highest - exits.trail_r * risk))
        i += 1
    return sell_at_market(bars, quotes, arrives, order, entry, terms)


@compiled
def round_trips(
    bars: FillBars,
    quotes: FillQuotes,
    at: Ints,
    price: Floats,
    atr: Floats,
    close_at: Ints,
    exits: FillExits,
    terms: FillTerms,
) -> tuple[Ints, Floats]:
    """`round_trip` of many orders (M,): how each ended (M,), and (M, 5) shares, fair buy, buy, fair sell, sell."""
    ended = np.empty(at.size, dtype=np.int64)
    numbers = np.empty((at.size, 5))
    for m in range(at.size):
        trip = round_trip(bars, quotes, FillOrder(at[m], price[m], atr[m], close_at[m]), exits, terms)
        ended[m] = trip.ended
        numbers[m, 0], numbers[m, 1], numbers[m, 2] = trip.shares, trip.fair_buy, trip.buy
        numbers[m, 3], numbers[m, 4] = trip.fair_sell, trip.sell
    return ended, numbers
