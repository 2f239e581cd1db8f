"""Profit, signals, costs and slippage of a session beside what research and the cost model expect of them."""

from dataclasses import dataclass

import pandas as pd

from momentum_kit.config import find_project
from momentum_kit.detection.live import departs
from momentum_kit.errors import ConfigError, MomentumKitError
from momentum_kit.models import OrderAction
from momentum_kit.notebook import tables
from momentum_kit.notebook.flight_log.facts import RunFacts
from momentum_kit.pages import Html, chip, gain, number
from momentum_kit.research.events import FillAssumptions
from momentum_kit.trading import commission, parse_costs
from momentum_kit.trading.fills import impact
from momentum_kit.yaml_files import read_yaml

TOLERANCE = 0.10  # share by which the broker's bill may differ from the table before it is worth a look

Row = tuple[object, ...]


def result_rows(facts: RunFacts) -> list[Row]:
    """Measure, this session, expected, verdict; for the flight log's table."""
    summary, trips = facts.summary, tables.round_trips(facts.journal)
    won = f"{summary['wins']} of {summary['round_trips']} round trips won"
    mean_r = float(trips["r"].mean()) if len(trips) else float("nan")
    fills = tables.fills(facts.journal)
    return [
        ("net profit, USD", gain(summary["net_pnl_usd"]), "no promise is made for one session", won),
        ("mean R of a round trip", number(mean_r, 2, plus=True), "above 0 over many sessions", ""),
        _signals(facts),
        _bill(facts, fills),
        *_slippage(facts, fills),
    ]


def signal_departure(facts: RunFacts) -> str:
    """`few` or `many` where the session's signals do not fit what the thresholds' stamp promises, else empty."""
    export = facts.config.thresholds.export
    if export is None:
        return ""
    low, high = export.signals_per_session_low, export.signals_per_session_high
    return departs(facts.summary["signals"], facts.share_of_session, low, high, export.signals_dispersion)


def _signals(facts: RunFacts) -> Row:
    export, share = facts.config.thresholds.export, facts.share_of_session
    signals = f"{facts.summary['signals']}"
    if export is None:
        return ("signals", signals, "unknown: these thresholds were not exported by research", "")
    low, high = (share * each for each in (export.signals_per_session_low, export.signals_per_session_high))
    side = signal_departure(facts)
    verdict = chip(f"too {side}", "warn") if side else chip("fits", "good")
    return ("signals", signals, f"{low:.1f} to {high:.1f} in {share:.2f} of a session", verdict)


def _bill(facts: RunFacts, fills: pd.DataFrame) -> Row:
    """The broker's commissions beside config/costs.yaml, order by order as the minimum is."""
    billed = float(fills["commission_usd"].sum())
    plan = FillAssumptions().plan
    try:
        file = find_project(facts.config_file.resolve().parent) / "config" / "costs.yaml"
        table = parse_costs(read_yaml(file, ConfigError))
    except MomentumKitError as error:
        return ("commissions and fees, USD", number(billed), f"unknown: {error}", "")
    expected = 0.0
    for (_, side), order in fills.groupby(["order_id", "side"]):
        shares = float(order["shares"].sum())
        price = float((order["shares"] * order["price"]).sum()) / shares
        action = OrderAction.BUY if side == "BUY" else OrderAction.SELL
        expected += commission(table, plan, action, shares, price, facts.day)
    verdict = _within(billed, expected) if len(fills) else Html("")
    return ("commissions and fees, USD", number(billed), f"{expected:.2f} by costs.yaml, plan {plan}", verdict)


def _within(paid: float, expected: float) -> Html:
    if paid <= expected * (1 + TOLERANCE) + 0.01:
        return chip("fits", "good")
    return chip(f"{100 * (paid / expected - 1):+.0f}%" if expected else "unexpected", "warn")


@dataclass(frozen=True, slots=True)
class _Paid:
    bps: float
    model_bps: float
    shares: float


def _slippage(facts: RunFacts, fills: pd.DataFrame) -> list[Row]:
    """Entries against the ask at the decision and the model's impact, exits against the price they were asked at."""
    rows: list[Row] = []
    paid = _entries(facts, fills[fills["leg"] == "entry"])
    if paid:
        shares = sum(each.shares for each in paid)
        mean = sum(each.bps * each.shares for each in paid) / shares
        model = sum(each.model_bps * each.shares for each in paid) / shares
        noise = 2 * float(pd.Series([each.bps for each in paid]).std(ddof=0)) / len(paid) ** 0.5
        verdict = chip("fits", "good") if mean <= model + noise else chip("dearer", "warn")
        words = f"0 to {model:.1f} (the model's impact), and {noise:.1f} of noise in {len(paid)} fills"
        rows.append(("entry slippage, bps of the ask", number(mean, 1, plus=True), words, verdict))
    exits = fills[(fills["leg"] != "entry") & fills["slippage_bps"].notna()]
    for reference, group in exits.groupby("reference"):
        mean = float((group["slippage_bps"] * group["shares"]).sum() / group["shares"].sum())
        expected = "0 or less: a limit is never sold below" if reference == "limit" else "half a spread and impact"
        rows.append((f"exit slippage, bps of the {reference}", number(mean, 1, plus=True), expected, ""))
    return rows


def _entries(facts: RunFacts, entries: pd.DataFrame) -> list[_Paid]:
    decided = tables.decisions(facts.journal)
    features = decided[decided["verdict"] == "signal"].drop_duplicates("item_id").set_index("item_id")["features"]
    coefficient = FillAssumptions().impact_coef
    found = []
    for fill in entries[entries["slippage_bps"].notna()].to_dict("records"):
        known = features.get(fill["item_id"])
        if not isinstance(known, dict) or not known.get("dollar_volume_60s"):
            continue
        price = float(fill["reference_price"])
        push = impact(
            float(fill["shares"]),
            known["dollar_volume_60s"] / price,
            price,
            float(known.get("atr") or "nan"),
            coefficient,
        )
        found.append(_Paid(float(fill["slippage_bps"]), push / price * 1e4, float(fill["shares"])))
    return found
