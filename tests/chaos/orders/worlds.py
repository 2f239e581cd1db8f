"""A random world for the order services, drawn from a seed: market, broker, faults, people, commands and deaths.

A World is a value: drawn again from its seed it is the same, and what is taken out of it leaves the rest as it was, so
that a world which breaks something can be shrunk to the little that breaks it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from momentum_kit.models import Contract
from momentum_kit.simgateway.embedding import AAPL, FIRST_CON_ID, SMALL_CAPS, Instrument
from momentum_kit.simgateway.scenario import (
    BustedTrade,
    ConnectivityLost,
    DelayAcks,
    DoomedModify,
    DropOrder,
    Duplicate,
    Fault,
    LateAnswer,
    ManualCancel,
    ManualTrade,
    OrderPresets,
    RefuseStops,
    Reorder,
    StrayEnd,
    UnknownIds,
    UnreadableRow,
)
from tests.helpers.trading_floor import Halts, Touch, known_answers

INSTRUMENTS = (AAPL, *(Instrument(FIRST_CON_ID + n, name[0], name[1]) for n, name in enumerate(SMALL_CAPS[:3])))
LISTS = ("reqPositions", "reqOpenOrders", "reqCompletedOrders", "reqExecutions")
ENDS = ("openOrderEnd", "positionEnd", "completedOrdersEnd")
OPEN, MORNING, CLOSE = time(9, 30), time(10, 0), time(16, 0)
DEATHS = ("record", "mark", "note_execution", "place", "modify", "cancel", "write")


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol and its market: a touch a second, and halts."""

    instrument: Instrument
    path: tuple[Touch, ...]
    halts: Halts = ()

    @property
    def contract(self) -> Contract:
        """As the services know it."""
        return Contract(self.instrument.symbol, self.instrument.con_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that happens once market time has reached a second."""

    second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal(Deed):
    """Detection wants a symbol."""

    con_id: int
    item: str
    atr: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Deed):
    """A person commands: exit (of one symbol), flatten, or cancel entries."""

    what: str
    con_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lagging(Deed):
    """A kind of event comes late for a while."""

    of: str
    lag_ms: int
    for_s: int
    lists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap(Deed):
    """A fault of the gateway, of the line to it, or a person at another screen."""

    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Death(Deed):
    """The services die at the `times`-th doing of some kind from then on, right before or right after it.

    doing: one of DEATHS, 'now', or 'line' where only the connection dies. down_s: market seconds until the next start;
    ids_anew: order ids begin anew in between.
    """

    doing: str
    times: int = 1
    after: bool = False
    down_s: int = 0
    ids_anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that a run depends on. seconds: of trouble; calm follows."""

    seed: int
    seconds: int
    listings: tuple[Listing, ...]
    deeds: tuple[Deed, ...]
    assumptions: dict[str, str] = field(default_factory=dict)
    latency_ms: int = 20
    partial_fill_share: float = 0.0
    start: time = MORNING
    settings: dict[str, Any] = field(default_factory=dict)
    flatten_at_end: bool = True

    @property
    def busts(self) -> bool:
        """True if the broker undoes a sale, which no message tells."""
        return any(isinstance(deed, Mishap) and isinstance(deed.fault, BustedTrade) for deed in self.deeds)

    @property
    def unheard(self) -> bool:
        """True if there are times in which nobody listens."""
        return any(map(_deafens, self.deeds))

    @property
    def calm_s(self) -> int:
        """So long after the trouble all is judged: longer than it may take to know whose shares are back."""
        return 60 + (70 if self.busts else 0)


def draw_world(
    seed: int,
    *,
    outgrowing: bool = False,
    time_exit: bool = False,
    trail: bool = False,
    deaths: tuple[int, ...] = (0, 0, 1, 1, 2),
) -> World:
    """The world of a seed. deaths: how many there are, one of these.

    time_exit: one rests at the broker, as it does in one world of three anyway. One that is outside of its group
    ("alone") is not safe where nobody is there at its hour, hence the setting is off: not with deaths or lost IB.

    trail: stops trail, as they do in one world of three anyway; half of those worlds begin shortly before the close or
    the open, over which every stop changes its form.

    outgrowing: children may work under a partly filled parent, and sell more than it has bought so far. Nobody knows
    whether IB allows that, and attached children are not safe there: a row of its own, which other worlds leave out.
    """
    dice = random.Random(seed)
    seconds = dice.randint(25, 90)
    listings = tuple(_listing(dice, each, seconds) for each in INSTRUMENTS[: dice.choice((1, 1, 2, 3, 4))])
    deeds = [*_signals(dice, listings, seconds), *_commands(dice, listings, seconds)]
    deeds += [_trouble(dice, listings, dice.randint(1, seconds)) for _ in range(dice.choice((0, 1, 2, 3, 4, 6)))]
    deeds += [_death(dice, dice.randint(2, seconds)) for _ in range(dice.choice(deaths))]
    switches = known_answers()
    switches["family_cap"].remove("uncapped")
    resting = {name: switches.pop(name) for name in ("market_order", "market_to_limit")}
    trailing = {name: switches.pop(name) for name in [*switches] if name.startswith("trail_")}
    timed, switches["good_after_time_in_group"] = switches["good_after_time_in_group"], ["works", "refused"]
    chosen = dice.sample(sorted(switches), dice.randint(0, len(switches)))
    assumptions = {name: dice.choice(switches[name]) for name in chosen}
    if outgrowing:
        assumptions |= {"family_cap": "uncapped", "partial_parent": "children_activate"}
    more_dice = random.Random(f"time exit {seed}")  # so that the rest of a seed's world stays what it was
    time_exit = more_dice.random() < 1 / 3 or time_exit
    resting_dice = random.Random(f"market orders {seed}")
    if resting_dice.random() < 1 / 2:
        assumptions |= {name: resting_dice.choice(answers) for name, answers in resting.items()}
    if time_exit:
        assumptions["good_after_time_in_group"] = more_dice.choice(
            [answer for answer in timed if answer != "alone" or not any(map(_deafens, deeds))]
        )
    deeds += _busted_trades(random.Random(f"busted trades {seed}"), listings, seconds)
    trail_dice = random.Random(f"trail {seed}")
    trail = trail_dice.random() < 1 / 3 or trail
    if trail:
        trailing["trail_in_group"] += ["works"] * 4  # where it is refused there is nothing but plain stops to be seen
        assumptions |= {name: trail_dice.choice(answers) for name, answers in trailing.items()}
        deeds = [_of_a_trail(deed, trail_dice) for deed in deeds]
    begins = trail_dice.choice([MORNING, MORNING, _before(OPEN, seconds), _before(CLOSE, seconds)])
    if trail and begins != MORNING:  # a stop-limit that has triggered would keep the exit of its group from working
        assumptions.pop("overfill_protection", None)
    over_the_close = {"flat_before_close_s": 0.0, "no_entry_before_close_s": 0.0} if trail and begins > MORNING else {}
    return World(
        seed=seed,
        seconds=seconds,
        listings=listings,
        deeds=tuple(sorted(deeds, key=lambda deed: deed.second)),
        assumptions=assumptions,
        latency_ms=dice.choice((5, 20, 120, 400)),
        partial_fill_share=dice.choice((0.0, 0.25, 0.5, 1.0)),
        settings={
            "time_stop_s": dice.choice((15.0, 30.0, 900.0)),
            "entry_timeout_s": dice.choice((3.0, 10.0)),
            "risk_per_order_usd": dice.choice((20.0, 100.0)),
            "cool_down_s": dice.choice((0.0, 0.0, 20.0)),
            "max_daily_loss_usd": 1e9,
            "max_orders_per_minute": 100,
            "time_exit_at_broker": time_exit,
            "trail_r": trail_dice.choice((0.25, 0.5, 1.0, 2.0)) if trail else None,
            **over_the_close,
        },
        start=begins if trail else MORNING,
        flatten_at_end=dice.random() < 0.7,
    )


def _of_a_trail(deed: Deed, dice: random.Random) -> Deed:
    """What strikes a plain stop strikes a trailing one, mostly."""
    if isinstance(deed, Mishap) and getattr(deed.fault, "order_type", None) == "STP" and dice.random() < 0.8:
        return replace(deed, fault=deed.fault.model_copy(update={"order_type": "TRAIL"}))
    return deed


def _before(moment: time, seconds: int) -> time:
    """So long before it that half a world's seconds are on either side."""
    at = datetime.combine(date(2000, 1, 1), moment) - timedelta(seconds=seconds // 2)
    return at.time()


def _listing(dice: random.Random, instrument: Instrument, seconds: int) -> Listing:
    bid, spread = round(dice.uniform(3, 20), 2), dice.choice((0.01, 0.01, 0.02, 0.03))
    wild, jumps, thin = dice.uniform(0, 0.004), dice.choice((0.0, 0.02, 0.08)), dice.random() < 0.4
    path = []
    for _ in range(seconds):
        step = dice.gauss(0, wild)
        if dice.random() < jumps:
            step += dice.choice((-1, 1)) * dice.uniform(0.01, 0.08)
        bid = max(round(bid * (1 + step), 2), 1.5)
        path.append((bid, round(bid + spread, 2), dice.randint(20, 400) if thin else 20_000))
    halts: list[tuple[int, int]] = []
    if dice.random() < 0.15:
        begins = dice.randint(3, seconds)
        halts = [(begins, dice.choice((1, 2))), (min(begins + dice.randint(3, 20), seconds), 0)]
    return Listing(instrument, (*path, (bid, round(bid + spread, 2), 20_000)), tuple(halts))


def _signals(dice: random.Random, listings: tuple[Listing, ...], seconds: int) -> Iterator[Deed]:
    for listing in listings:
        items = [f"story{number}:{listing.instrument.symbol}" for number in range(dice.randint(1, 3))]
        items += [dice.choice(items)] if dice.random() < 0.2 else []
        for item in items:
            yield Signal(
                second=dice.randint(1, max(seconds - 10, 2)),
                con_id=listing.instrument.con_id,
                item=item,
                atr=round(dice.uniform(0.005, 0.1), 3),
            )


def _commands(dice: random.Random, listings: tuple[Listing, ...], seconds: int) -> Iterator[Deed]:
    for _ in range(dice.choice((0, 0, 1, 2, 3))):
        what = dice.choice(("exit", "exit", "flatten", "cancel entries"))
        con_id = dice.choice(listings).instrument.con_id
        yield Command(second=dice.randint(3, seconds), what=what, con_id=con_id if what == "exit" else 0)


def _trouble(dice: random.Random, listings: tuple[Listing, ...], second: int) -> Deed:
    if dice.random() < 0.35:
        of = dice.choice(("statuses", "positions", "executions", "commissions"))
        most = 10_000 if of == "positions" else 20_000 if of == "executions" else 5_000
        return Lagging(
            second=second, of=of, lag_ms=dice.randint(200, most), for_s=dice.randint(2, 40), lists=dice.random() < 0.6
        )
    symbol = dice.choice(listings).instrument.symbol
    several = dice.randint(1, 3)
    kinds: tuple[Fault, ...] = (
        LateAnswer(
            requests=(dice.choice(LISTS),), delay_ms=dice.randint(500, 20_000), count=several,
            content=dice.choice(("as_asked", "as_answered")),
        ),
        StrayEnd(
            ends=(dice.choice(ENDS),),
            before=dice.choice((None, "reqOpenOrders", "reqPositions 2", "reqCompletedOrders")),
        ),
        UnreadableRow(
            messages=(dice.choice(("openOrder", "completedOrder", "position", "execDetails")),), count=several
        ),
        ManualTrade(symbol=symbol, action=dice.choice(("BUY", "SELL")), quantity=dice.randint(1, 500)),
        ManualCancel(
            symbol=symbol, action=dice.choice((None, "BUY", "SELL")), order_type=dice.choice((None, "STP", "LMT"))
        ),
        Duplicate(count=dice.randint(1, 6)),
        Reorder(count=several),
        UnknownIds(),
        DropOrder(before=f"placeOrder {dice.randint(1, 6)}" if dice.random() < 0.7 else None),
        DelayAcks(delay_ms=dice.randint(500, 6_000), for_s=dice.randint(2, 30)),
        ConnectivityLost(for_s=dice.randint(2, 30), restored=dice.choice(("data_kept", "data_lost"))),
        RefuseStops(symbol=symbol, code=dice.choice((201, 110, 10326)), count=dice.choice((1, 2, None))),
        DoomedModify(symbol=symbol, order_type=dice.choice((None, "LMT", "STP"))),
        OrderPresets(size=dice.choice((None, 500)), value_usd=dice.choice((None, 3_000.0)), percentage=3.0),
    )  # fmt: skip
    return Mishap(second=second, fault=dice.choice(kinds))


def _busted_trades(dice: random.Random, listings: tuple[Listing, ...], seconds: int) -> Iterator[Deed]:
    if dice.random() < 1 / 4:  # of dice of their own as well
        symbol = dice.choice(listings).instrument.symbol
        yield Mishap(second=dice.randint(5, max(seconds - 8, 6)), fault=BustedTrade(symbol=symbol))


def _deafens(deed: Deed) -> bool:
    """True if nobody listens for a while."""
    return isinstance(deed, Death) or (isinstance(deed, Mishap) and isinstance(deed.fault, ConnectivityLost))


def _death(dice: random.Random, second: int) -> Death:
    return Death(
        second=second,
        doing=dice.choice((*DEATHS, *DEATHS, "now", "line", "line")),
        times=dice.randint(1, 5),
        after=dice.random() < 0.5,
        down_s=dice.choice((0, 0, 1, 3, 12)),
        ids_anew=dice.random() < 0.15,
    )


def simpler(world: World) -> Iterator[World]:
    """Worlds with a little less in them, the largest cuts first."""
    deeds = world.deeds
    size = len(deeds) // 2
    while size:
        for at in range(0, len(deeds), size):
            yield replace(world, deeds=deeds[:at] + deeds[at + size :])
        size //= 2
    for listing in world.listings if len(world.listings) > 1 else ():
        con_id, symbol = listing.instrument.con_id, listing.instrument.symbol
        kept = (d for d in deeds if getattr(d, "con_id", 0) != con_id)
        yield replace(
            world,
            listings=tuple(each for each in world.listings if each is not listing),
            deeds=tuple(d for d in kept if not (isinstance(d, Mishap) and getattr(d.fault, "symbol", "") == symbol)),
        )
    for name in world.assumptions:
        yield replace(world, assumptions={k: v for k, v in world.assumptions.items() if k != name})
    for listing in world.listings:
        if listing.halts:
            without = tuple(replace(each, halts=()) if each is listing else each for each in world.listings)
            yield replace(world, listings=without)
    if world.partial_fill_share:
        yield replace(world, partial_fill_share=0.0)
    last = max((deed.second for deed in deeds), default=1)
    for seconds in {last + 1, (world.seconds + last) // 2}:
        if seconds < world.seconds:
            cut = tuple(
                replace(each, path=(*each.path[:seconds], each.path[-1]), halts=each.halts) for each in world.listings
            )
            yield replace(world, seconds=seconds, listings=cut)
