"""What the broker does but nobody can promise: one answer to each switch of switches.py, for matching.py to obey.

A scenario picks alternatives by name (`Assumptions.choose`); `momentum-kit sim --assumptions` lists SWITCHES.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from momentum_kit.errors import ScenarioError
from momentum_kit.simgateway.broker.switches import SWITCHES, Alternative, Basis, Switch

__all__ = ["SWITCHES", "Alternative", "Assumptions", "Basis", "Switch"]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """One answer to every switch; the defaults are what was recorded most often. Delays in market milliseconds."""

    first_status: Literal["opening_market_held", "held", "direct", "seeded"] = "opening_market_held"
    cancel_status: Literal["direct", "pending_first", "seeded"] = "direct"
    fill_order: Literal["status_first_after_modify", "execution_first", "status_first"] = "status_first_after_modify"
    opening_pnl: Literal["unset", "zero"] = "unset"
    closing_commission: Literal["prompt", "late", "missing"] = "prompt"
    stop_first_echo: Literal["stray_limit", "clean"] = "stray_limit"
    open_orders_reply: Literal["order_only", "order_and_status"] = "order_only"
    empty_executions: Literal["end", "silence"] = "end"
    staged_child: Literal["silent", "transient_cancelled"] = "silent"
    partial_parent: Literal["children_wait", "children_activate"] = "children_wait"
    dead_partial_parent: Literal["children_resized", "children_cancelled"] = "children_resized"
    oca_cancels_on: Literal["first_fill", "last_fill"] = "first_fill"
    oca_member_cancelled: Literal["cancels_group", "group_lives"] = "cancels_group"
    oca_revision: Literal["order_lives", "order_cancelled"] = "order_lives"
    far_limit: Literal["capped", "refused", "accepted"] = "capped"
    execution_correction: Literal["none", "every"] = "none"
    ioc_parent: Literal["accepted", "refused"] = "accepted"
    restored_replay: Literal["nothing", "open_orders", "orders_and_executions"] = "nothing"
    cancel_rights: Literal["owner", "client_0_too"] = "owner"
    global_cancel: Literal["every_order", "own_orders"] = "every_order"
    history_farm: Literal["ok", "inactive"] = "ok"
    liquidated_orders: Literal["cancelled", "live"] = "cancelled"
    late_execution_ms: int = 100
    late_commission_ms: int = 5_000
    late_correction_ms: int = 2_000
    locate_ms: int = 30_000

    def __post_init__(self) -> None:
        for switch in SWITCHES:
            known = [alternative.name for alternative in switch.alternatives]
            if getattr(self, switch.name) not in known:
                raise ScenarioError(f"assumption {switch.name}: {getattr(self, switch.name)!r} is none of {known}")
        for name in (field.name for field in fields(self) if field.name.endswith("_ms")):
            delay = getattr(self, name)
            if not isinstance(delay, int) or delay < 0:
                raise ScenarioError(f"assumption {name}: {delay!r} is no number of milliseconds")

    @classmethod
    def choose(cls, choices: Mapping[str, Any]) -> "Assumptions":
        """Defaults but for `choices` (switch name to alternative); ScenarioError names what is unknown."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(choices) - known)
        if unknown:
            raise ScenarioError(f"unknown assumption {unknown[0]!r}; known: {', '.join(sorted(known))}")
        return cls(**choices)
