"""What the probe does, step by step: orders that rest far from the market, and what becomes of them.

Each step asks one or two switches, leaves nothing working, and says what was seen. Only `round_trip` can fill.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta

from momentum_kit.errors import RequestTimeout
from momentum_kit.models import OrderAction, OrderUpdate
from momentum_kit.runtime.probe.answers import (
    SwitchAnswer,
    answer,
    cancel_status,
    fill_order,
    first_status,
    nothing_learnt,
)
from momentum_kit.runtime.probe.orders import ProbeOrders

LOOKS = 4  # orders of a kind: a broker that draws lots is told from one that does not
AWAKE_S = 8  # market seconds from placing an order that waits until its hour
GROUP = 2  # the OCA type that the kit uses: reduce, with block
PROMPT_S, LATE_S = 1.0, 3.0  # market seconds from the last fill to its commission report; between them undecided
CANCEL_CONFIRMED = 202

OtherClient = Callable[[int], AbstractAsyncContextManager[ProbeOrders]]
"""client_id to its orders: another client of the same gateway."""


@dataclass(frozen=True, slots=True)
class Step:
    """words: what is about to be done, for the person who is asked. act: does it, on the first client's orders."""

    words: str
    act: Callable[[ProbeOrders, OtherClient], Awaitable[list[SwitchAnswer]]]


async def resting_orders(orders: ProbeOrders, _: OtherClient) -> list[SwitchAnswer]:
    """first_status, open_orders_reply, cancel_status."""
    day = [await orders.buy() for _ in range(LOOKS)]
    gtc = [await orders.buy(tif="GTC") for _ in range(LOOKS)]
    found = []
    if all([await orders.submitted(order_id) for order_id in (*day, *gtc)]):
        held = [[("PreSubmitted" in orders.ear.statuses(each)) for each in ids] for ids in (day, gtc)]
        found.append(first_status(*held))
    else:
        found.append(nothing_learnt("first_status", "not every order was submitted"))
    await orders.quiet()
    before = len(orders.ear.heard)
    listed = await orders.bridge.fetch_open_orders()
    await orders.quiet()
    told = sum(isinstance(event, OrderUpdate) for event in orders.ear.heard[before:])
    reply, seen = "order_and_status" if told else "order_only", f"{told} statuses with a list of {len(listed)} orders"
    found.append(answer("open_orders_reply", {reply}, seen) if listed else nothing_learnt("open_orders_reply", seen))
    untouched = not any(orders.ear.ended(each) for each in (*day, *gtc))
    await orders.cancel(*day, *gtc)
    statuses = [orders.ear.statuses(each) for each in (*day, *gtc)]
    if untouched and all("Cancelled" in each for each in statuses):
        found.append(cancel_status(["PendingCancel" in each for each in statuses]))
    else:
        found.append(nothing_learnt("cancel_status", "not every cancel was confirmed"))
    return found


async def executions_of_the_day(orders: ProbeOrders, _: OtherClient) -> list[SwitchAnswer]:
    """empty_executions."""
    ends = []
    for _again in range(2):  # one answer may be late: silence is silence when it is asked for once more
        try:
            async with asyncio.timeout(orders.patience_s):
                listed = await orders.bridge.fetch_executions()
        except (RequestTimeout, TimeoutError):
            ends.append(False)
            continue
        if listed:
            return [nothing_learnt("empty_executions", f"the day has {len(listed)} executions already")]
        ends.append(True)
        break
    if ends == [True]:
        return [answer("empty_executions", {"end"}, "an empty list with its end")]
    if True in ends:
        return [nothing_learnt("empty_executions", "silence, and then an end")]
    return [answer("empty_executions", {"silence"}, f"no end within {orders.patience_s:g} s, twice")]


async def staged_children(orders: ProbeOrders, _: OtherClient) -> list[SwitchAnswer]:
    """staged_child."""
    parent = await orders.buy(transmit=False)
    child = await orders.child(parent, transmit=False)
    await orders.quiet()
    told, codes = orders.ear.statuses(child), orders.ear.codes(child) + orders.ear.codes(parent)
    await orders.bridge.cancel_order(child)
    await orders.bridge.cancel_order(parent)
    await orders.quiet()
    if codes:
        return [nothing_learnt("staged_child", f"codes {', '.join(map(str, codes))}")]
    if "Cancelled" in told:
        return [answer("staged_child", {"transient_cancelled"}, f"told {', '.join(told)}, though it was only staged")]
    return [answer("staged_child", {"silent"}, f"told {', '.join(told) or 'nothing'}")]


async def groups(orders: ProbeOrders, _: OtherClient) -> list[SwitchAnswer]:
    """oca_revision, oca_member_cancelled, good_after_time_in_group."""
    revised = [await _another_group(orders, f"probe-{at}") for at in range(2)]
    taken = [await _one_cancelled(orders, f"probe-{at}") for at in range(2, 4)]
    if revised[0] is None or revised[0] != revised[1]:
        revision = nothing_learnt("oca_revision", "no 10326 came, or not the same twice")
    else:
        words = "10326, and the order was gone" if revised[0] else "10326, and the order worked on"
        revision = answer("oca_revision", {"order_cancelled" if revised[0] else "order_lives"}, words)
    if taken[0] is None or taken[0] != taken[1]:
        member = nothing_learnt(
            "oca_member_cancelled", "two orders of a group did not both work, or not the same twice"
        )
    else:
        words = "the other was cancelled as well" if taken[0] else "the other worked on"
        member = answer("oca_member_cancelled", {"cancels_group" if taken[0] else "group_lives"}, words)
    return [revision, member, await _good_after(orders, taken_along=taken[0] is True and taken[1] is True)]


async def _pair(orders: ProbeOrders, group: str) -> tuple[int, int] | None:
    """Two orders of a group that both work; None, and neither, where they do not."""
    first, second = [await orders.buy(oca_group=group, oca_type=GROUP) for _ in range(2)]
    if await orders.submitted(first) and await orders.submitted(second):
        return first, second
    await orders.cancel(first, second)
    return None


async def _another_group(orders: ProbeOrders, group: str) -> bool | None:
    """Whether an order is gone once a change to another group was refused (10326); None where nothing was."""
    if (pair := await _pair(orders, group)) is None:
        return None
    first, second = pair
    await orders.modify(replace(orders.sent[first], oca_group=f"{group}-other"))
    await orders.ear.until(lambda: 10326 in orders.ear.codes(first), orders.patience_s)
    await orders.quiet()
    gone, refused = orders.ear.ended(first), 10326 in orders.ear.codes(first)
    await orders.cancel(first, second)
    return gone if refused else None


async def _one_cancelled(orders: ProbeOrders, group: str) -> bool | None:
    """Whether the other order of a group ends with one that is cancelled; None where they did not both work."""
    if (pair := await _pair(orders, group)) is None:
        return None
    first, second = pair
    await orders.cancel(first)
    await orders.quiet()
    taken_along = orders.ear.ended(second)
    await orders.cancel(second)
    return taken_along


async def _good_after(orders: ProbeOrders, *, taken_along: bool) -> SwitchAnswer:
    """An order that waits for its hour, in a group: taken, woken, and a member?"""
    name, hour = "good_after_time_in_group", await orders.bridge.fetch_current_time() + timedelta(seconds=AWAKE_S)
    waiting = await orders.buy(oca_group="probe-4", oca_type=GROUP, good_after=hour)
    other = await orders.buy(oca_group="probe-4", oca_type=GROUP)
    works, ear = await orders.working(waiting), orders.ear
    if not works and not ear.ended(waiting):
        await orders.cancel(waiting, other)
        return nothing_learnt(name, "nothing was heard of the order")
    if ear.ended(waiting):
        codes, status = ear.codes(waiting), ear.status(waiting)
        await orders.cancel(other)
        seen = f"told {status or 'nothing'}, codes {', '.join(map(str, codes)) or 'none'}"
        if 201 in codes:
            return answer(name, {"refused"}, seen)
        return answer(name, {"inactive"}, seen) if status == "Inactive" else nothing_learnt(name, seen)
    while await orders.bridge.fetch_current_time() < hour + timedelta(seconds=3):
        if await ear.until(lambda: ear.status(waiting) == "Submitted", min(orders.quiet_s, 1.0)):
            break
    woken = ear.status(waiting) == "Submitted"
    if not woken:
        await orders.cancel(waiting, other)
        return answer(name, {"asleep"}, f"{ear.status(waiting)} three seconds after its hour")
    await orders.cancel(other)
    await orders.quiet()
    alone = not ear.ended(waiting)
    await orders.cancel(waiting)
    if not taken_along:
        return answer(name, {"works", "alone"}, "woken at its hour; whether the group takes it along takes a fill")
    return answer(name, {"alone" if alone else "works"}, f"woken; {'not ' if alone else ''}cancelled with its group")


async def stops(orders: ProbeOrders, _: OtherClient) -> list[SwitchAnswer]:
    """stop_type_change."""
    stop = await orders.buy(order_type="STP", limit_price=None, stop_price=orders.high)
    if not await orders.working(stop):
        return [nothing_learnt("stop_type_change", f"a stop was not taken: {orders.ear.codes(stop)}")]
    changed = replace(orders.sent[stop], order_type="LMT", stop_price=None, limit_price=orders.low)
    await orders.modify(changed)
    ear = orders.ear

    def told() -> bool:
        echo = ear.echo(stop)
        return 329 in ear.codes(stop) or (echo is not None and echo.order_type == "LMT")

    await ear.until(told, orders.patience_s)
    echo, codes = ear.echo(stop), ear.codes(stop)
    await orders.cancel(stop)
    if 329 in codes:
        return [answer("stop_type_change", {"refused"}, "329")]
    if echo is not None and echo.order_type == "LMT":
        return [answer("stop_type_change", {"accepted"}, "the echo is a limit order")]
    return [nothing_learnt("stop_type_change", "neither 329 nor an echo of the change")]


async def families(orders: ProbeOrders, _: OtherClient) -> list[SwitchAnswer]:
    """ioc_parent, family_cap: each beside an order that differs in nothing else."""
    lone, lone_codes = await _family(orders, tif="IOC", children=())
    ioc, ioc_codes = await _family(orders, tif="IOC", children=(1,))
    if not lone or 201 in lone_codes:
        first = nothing_learnt("ioc_parent", f"an IOC order alone is told {lone or 'nothing'}, codes {lone_codes}")
    elif 201 in ioc_codes:
        first = answer("ioc_parent", {"refused"}, "201 with a child, not without")
    elif ioc:
        first = answer("ioc_parent", {"accepted"}, f"told {', '.join(dict.fromkeys(ioc))}")
    else:
        first = nothing_learnt("ioc_parent", f"told nothing; codes {ioc_codes}")
    same, same_codes = await _family(orders, tif="DAY", children=(1,))
    more, more_codes = await _family(orders, tif="DAY", children=(2,))
    if not same or 201 in same_codes or not more:
        return [first, nothing_learnt("family_cap", f"a child of one share is told {same or 'nothing'}: {same_codes}")]
    if 201 in more_codes:
        return [first, answer("family_cap", {"refused"}, "a child of two shares under a parent of one: 201")]
    seen = "a child of two shares was taken; the rest takes a fill"
    return [first, answer("family_cap", {"capped", "uncapped"}, seen)]


async def _family(orders: ProbeOrders, *, tif: str, children: Sequence[int]) -> tuple[list[str], list[int]]:
    """A parent with children of so many shares: statuses of the parent, codes of all; cancelled again."""
    parent = await orders.buy(tif=tif, transmit=not children)
    ids = [await orders.child(parent, quantity=quantity) for quantity in children]
    await orders.working(parent)
    await orders.quiet()
    statuses, codes = orders.ear.statuses(parent), [code for each in (parent, *ids) for code in orders.ear.codes(each)]
    await orders.cancel(parent, *ids)
    return statuses, [code for code in codes if code != CANCEL_CONFIRMED]


async def other_clients(orders: ProbeOrders, other: OtherClient) -> list[SwitchAnswer]:
    """cancel_rights, global_cancel."""
    ear, own = orders.ear, orders.client_id
    found = []
    async with other(own + 1) as second:
        target = await orders.buy()
        works = await orders.submitted(target)
        if works:
            await second.bridge.cancel_order(target)
            await orders.quiet()
        if not works:
            found.append(nothing_learnt("cancel_rights", f"the order did not work: {ear.codes(target)}"))
        elif ear.ended(target):
            found.append(answer("cancel_rights", {"anyone"}, f"client {own + 1} cancelled an order of client {own}"))
        else:
            async with other(0) as zero:
                await zero.bridge.cancel_order(target)
                await orders.quiet()
            zero_may = ear.ended(target)
            words = "client 0 could cancel it, another could not" if zero_may else "no other client could cancel it"
            found.append(answer("cancel_rights", {"client_0_too" if zero_may else "owner"}, words))
        await orders.cancel(target)
        mine, theirs = await orders.buy(), await second.buy()
        if not (await orders.submitted(mine) and await second.submitted(theirs)):
            found.append(nothing_learnt("global_cancel", "two orders of two clients did not both work"))
        else:
            await orders.bridge.cancel_everything()
            await ear.until(lambda: ear.ended(mine), orders.patience_s)
            await second.quiet()
            gone = second.ear.ended(theirs)
            seen = f"the other client's order was {'cancelled as well' if gone else 'left'}"
            if ear.ended(mine):
                found.append(answer("global_cancel", {"every_order" if gone else "own_orders"}, seen))
            else:
                found.append(nothing_learnt("global_cancel", "our own order was not cancelled"))
        await second.cancel(theirs)
    await orders.cancel(mine)
    return found


async def round_trip(orders: ProbeOrders, other: OtherClient) -> list[SwitchAnswer]:
    """fill_order, opening_pnl, closing_commission, foreign_executions: one share is bought and sold."""
    ear = orders.ear
    bought = await orders.buy(order_type="MKT", limit_price=None)
    if not await ear.until(lambda: bool(ear.executions(bought)) and ear.status(bought) == "Filled", orders.patience_s):
        return [nothing_learnt(name, "the purchase did not fill") for name in _OF_A_FILL]
    opening = ear.executions(bought)[0].exec_id
    await ear.until(lambda: ear.commission(opening) is not None, orders.patience_s)
    sale = await orders.buy(action=OrderAction.SELL, limit_price=orders.high)
    await orders.submitted(sale)
    await orders.modify(replace(orders.sent[sale], order_type="MKT", limit_price=None))
    if not await ear.until(lambda: bool(ear.executions(sale)) and ear.status(sale) == "Filled", orders.patience_s):
        return [nothing_learnt(name, "the sale did not fill") for name in _OF_A_FILL]
    closing = ear.executions(sale)[0]
    filled_at = asyncio.get_running_loop().time()
    await ear.until(lambda: ear.commission(closing.exec_id) is not None, orders.patience_s)
    late_s = (asyncio.get_running_loop().time() - filled_at) * orders.rate
    report, first = ear.commission(closing.exec_id), ear.commission(opening)
    found = [fill_order(_execution_first(orders, bought), _execution_first(orders, sale))]
    if first is None:
        found.append(nothing_learnt("opening_pnl", "no commission report of the purchase"))
    else:
        known = first.realized_pnl_usd == 0
        seen = f"realised P&L of the purchase: {'0' if known else 'unset'}"
        found.append(answer("opening_pnl", {"zero" if known else "unset"}, seen))
    if report is None:
        found.append(answer("closing_commission", {"missing"}, f"no report within {orders.patience_s:g} s"))
    else:
        told = {"prompt"} if late_s <= PROMPT_S else {"late"} if late_s >= LATE_S else {"prompt", "late"}
        found.append(answer("closing_commission", told, f"after {late_s:.2f} s"))
    return [*found, await _executions_of_others(opening, orders, other)]


async def _executions_of_others(exec_id: str, orders: ProbeOrders, other: OtherClient) -> SwitchAnswer:
    name = "foreign_executions"
    async with other(orders.client_id + 1) as second:
        try:
            async with asyncio.timeout(orders.patience_s):
                listed = exec_id in {execution.exec_id for execution in await second.bridge.fetch_executions()}
        except (RequestTimeout, TimeoutError):
            return nothing_learnt(name, "another client's list had no end")
    words = f"another client's list {'has' if listed else 'lacks'} ours"
    return answer(name, {"listed" if listed else "own_client"}, words)


_OF_A_FILL = ("fill_order", "opening_pnl", "closing_commission", "foreign_executions")


def _execution_first(orders: ProbeOrders, order_id: int) -> bool:
    """Whether an order's execution was heard before the status that counts it."""
    filled = next(
        at
        for at, event in enumerate(orders.ear.heard)
        if isinstance(event, OrderUpdate) and event.order_id == order_id and event.filled
    )
    return orders.ear.heard.index(orders.ear.executions(order_id)[0]) < filled


WITHOUT_A_FILL = (
    Step("eight orders to buy one share far below the market, DAY and GTC, listed and cancelled", resting_orders),
    Step("nothing is sent: the list of today's executions is asked for", executions_of_the_day),
    Step("a parent and a child that are staged and never transmitted, and cancelled", staged_children),
    Step("orders far below the market in OCA groups, one of them until its hour in ten seconds, cancelled", groups),
    Step("a stop to buy far above the market, changed to a limit far below it, and cancelled", stops),
    Step("an IOC order and three brackets whose parents lie far below the market, one IOC, cancelled", families),
    Step("two more clients connect; orders far below the market, cancelled by others and by a global cancel: every "
         "order of this account that the gateway knows is cancelled", other_clients),
)  # fmt: skip
ROUND_TRIP = Step("one share is BOUGHT at the market and sold again", round_trip)
