"""One client of the simulated gateway: its session, its subscriptions, its limits; handlers answer its requests."""

from momentum_kit.simgateway.client.incoming import Incoming
from momentum_kit.simgateway.client.limits import PACING, TOO_MANY_OPEN, Limits
from momentum_kit.simgateway.client.session import ClientSession, ServingGateway

__all__ = [
    "PACING",
    "TOO_MANY_OPEN",
    "ClientSession",
    "Incoming",
    "Limits",
    "ServingGateway",
]
