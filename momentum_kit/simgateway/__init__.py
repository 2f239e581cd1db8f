"""A simulated TWS that speaks the real wire protocol; the official client is its judge."""

from typing import TYPE_CHECKING

from momentum_kit.lazy_faces import lazy_names

if TYPE_CHECKING:
    from momentum_kit.simgateway.market import open_market
    from momentum_kit.simgateway.scenario import Scenario, load_scenario
    from momentum_kit.simgateway.server import SimulatedGateway

__all__ = ["Scenario", "SimulatedGateway", "load_scenario", "open_market"]
_HOMES = {
    "Scenario": "momentum_kit.simgateway.scenario",
    "load_scenario": "momentum_kit.simgateway.scenario",
    "open_market": "momentum_kit.simgateway.market",
    "SimulatedGateway": "momentum_kit.simgateway.server",
}
__getattr__ = lazy_names(__name__, _HOMES)  # the market costs an import of numpy and the calendars
