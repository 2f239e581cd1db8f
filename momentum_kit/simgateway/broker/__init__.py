"""The simulated broker: takes orders of all clients of one account, matches them on a market, answers as IB would."""

from momentum_kit.simgateway.broker.account import Account, AccountPosition
from momentum_kit.simgateway.broker.assumptions import SWITCHES, BrokerAssumptions
from momentum_kit.simgateway.broker.queries import CompletedOrder
from momentum_kit.simgateway.broker.refusals import HARD_TO_BORROW
from momentum_kit.simgateway.broker.simulated_broker import SimulatedBroker, open_broker
from momentum_kit.simgateway.broker.troubles import Presets, StopTrouble, WhatIfTrouble
from momentum_kit.simgateway.broker.unsolicited import TWS_CLIENT, UNBOUND, is_manual

__all__ = [
    "HARD_TO_BORROW",
    "SWITCHES",
    "TWS_CLIENT",
    "UNBOUND",
    "Account",
    "AccountPosition",
    "BrokerAssumptions",
    "CompletedOrder",
    "Presets",
    "SimulatedBroker",
    "StopTrouble",
    "WhatIfTrouble",
    "is_manual",
    "open_broker",
]
