"""A simulated TWS that speaks the real wire protocol; the official client is its judge."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from momentum_kit.simgateway.market import open_market
    from momentum_kit.simgateway.scenario import Scenario, load_scenario
    from momentum_kit.simgateway.server import SimulatedGateway

__all__ = ["Scenario", "SimulatedGateway", "load_scenario", "open_market"]
_HOMES = {
    "Scenario": "scenario",
    "load_scenario": "scenario",
    "open_market": "market",
    "SimulatedGateway": "server",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: the market costs an import of numpy and the calendars."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
