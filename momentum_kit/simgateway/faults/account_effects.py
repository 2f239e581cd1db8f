"""What the faults of the account do once they are due: a person trades, order ids begin anew, orders are refused."""

from datetime import timedelta
from decimal import Decimal

from momentum_kit.simgateway.broker import Presets, StopTrouble, WhatIfTrouble
from momentum_kit.simgateway.client import ServingGateway
from momentum_kit.simgateway.events import SimOrder
from momentum_kit.simgateway.scenario import (
    BustedTrade,
    DoomedModify,
    Fault,
    ManualCancel,
    ManualTrade,
    OrderIdsAnew,
    OrderPresets,
    RefuseStops,
    WhatIfAnswers,
)


def act_on_account(hub: ServingGateway, fault: Fault) -> None:
    """Let it happen at the broker; clients hear of it as of everything there."""
    match fault:
        case ManualTrade():
            sign = 1 if fault.action == "BUY" else -1
            for item in hub.market.find(symbol=fault.symbol):
                signed = Decimal(sign * fault.quantity)
                hub.deliver(hub.broker.trade_by_hand(item.con_id, signed, hub.now, fault.price_usd))
        case BustedTrade():
            for item in hub.market.find(symbol=fault.symbol):
                hub.deliver(hub.broker.bust(item.con_id, hub.now))
                hub.tell_position(item.con_id)
        case ManualCancel():
            hub.deliver(hub.broker.cancel_by_hand(lambda order: _is_meant(hub, fault, order), hub.now))
        case OrderIdsAnew():
            hub.broker.begin_ids_anew()
        case OrderPresets(size=size, value_usd=value_usd, percentage=percentage):
            hub.broker.troubles.presets = Presets(size=size, value_usd=value_usd, percentage=percentage)
        case RefuseStops():
            hub.broker.troubles.stops += [
                StopTrouble(con_id=item.con_id, code=fault.code, grid_usd=fault.grid_usd, left=fault.count)
                for item in hub.market.find(symbol=fault.symbol)
            ]
        case DoomedModify():
            hub.broker.troubles.doomed += [
                (item.con_id, fault.order_type) for item in hub.market.find(symbol=fault.symbol)
            ]
        case WhatIfAnswers(answer=answer, rate=rate, delay_ms=delay_ms):
            trouble = WhatIfTrouble(answer=answer, rate=rate, delay=timedelta(milliseconds=delay_ms))
            hub.broker.troubles.what_ifs |= {i.con_id: trouble for i in hub.market.find(symbol=fault.symbol)}


def _is_meant(hub: ServingGateway, fault: ManualCancel, order: SimOrder) -> bool:
    return (
        fault.symbol in (None, hub.market.instruments[order.con_id].symbol)
        and fault.action in (None, order.action)
        and fault.order_type in (None, order.order_type)
    )
