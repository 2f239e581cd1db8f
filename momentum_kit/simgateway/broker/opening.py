"""Builds the simulated broker that a scenario describes; between scenario.py and matching.py."""

from collections.abc import Mapping
from typing import Any

from momentum_kit.simgateway.broker.account import Account, CostTable
from momentum_kit.simgateway.broker.assumptions import Assumptions
from momentum_kit.simgateway.broker.matching import SimulatedBroker
from momentum_kit.simgateway.market.market import Market
from momentum_kit.simgateway.scenario.scenario import CommissionSpec


def open_broker(market: Market, choices: Mapping[str, Any] | None = None) -> SimulatedBroker:
    """The broker of a market's scenario; `choices` answer switches of assumptions.py, ScenarioError if unknown."""
    scenario = market.scenario
    broker = scenario.broker
    return SimulatedBroker(
        market,
        Account(broker.account, broker.cash_usd, cost_table(broker.commission)),
        broker.latency_ms,
        scenario.seed,
        Assumptions.choose(choices or {}),
        split_share=broker.partial_fill_share,
    )


def cost_table(spec: CommissionSpec) -> CostTable:
    """A scenario's commission as the account books it."""
    return CostTable(
        per_share_usd=spec.per_share_usd,
        minimum_usd=spec.least_usd,
        maximum_share=spec.most_share,
        sec_fee_usd_per_million=spec.sec_usd_per_million,
        taf_usd_per_share=spec.taf_per_share_usd,
        taf_cap_usd=spec.taf_most_usd,
        cat_usd_per_share=spec.cat_per_share_usd,
    )
