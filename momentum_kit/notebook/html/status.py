"""A session's snapshot for the eye: banner, connection lights, what is held, what waits, and the card of them all."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Self

from momentum_kit.models import ConnectionLayer, EngineStatus, LinkState, PositionView, TradingState
from momentum_kit.notebook.html.reasons import reason_detail, rule_value
from momentum_kit.notebook.html.style import STYLE
from momentum_kit.pages import ColumnHead, Html, age, chip, clock, gain, join, number, table, tag

MODES = {"sim": "SIMULATION", "paper": "PAPER", "live": "LIVE \u2013 REAL MONEY"}
STATES = {
    TradingState.STARTING: "starting",
    TradingState.RUNNING: "\u25b6 running",
    TradingState.PAUSED: "\u2016 paused: no entries",
    TradingState.REDUCE_ONLY: "\u25bc reduce only: no entries",
    TradingState.FLATTENING: "\u21e3 flattening",
    TradingState.KILLED: "\u2716 KILLED",
    TradingState.STOPPING: "\u25a0 stopping",
    TradingState.STOPPED: "\u25a0 stopped",
}
ENDS = (TradingState.KILLED, TradingState.STOPPED)
LIGHTS = {LinkState.UP: "\u25cf", LinkState.DEGRADED: "\u25d0", LinkState.DOWN: "\u2715", LinkState.UNKNOWN: "\u25cb"}
DETAILS = {"broker": "the gateway's link to IB", "farms": "none has spoken yet"}
COUNTS = ("headlines", "items", "decisions", "signals", "entries", "fills", "round_trips")
SHOWN_AGES = 6  # symbols, the quietest first


def banner(status: EngineStatus, heard: bool = True) -> Html:
    """Whose money, which state, what time, what profit; heard: False where the engine says nothing any more."""
    mode = MODES.get(status.environment, status.environment.upper())
    look, state, reason = _state(status, heard)
    money = tag("b", join((gain(status.net_usd), " USD net")))
    parts = [
        tag("span", mode, "mk-mode"),
        tag("b", status.account),
        tag("span", state, f"mk-state mk-state-{look}"),
        tag("span", reason, "mk-reason"),
        tag("span", join((money, Html("<br>"), _clocks(status))), "mk-figure"),
    ]
    return tag("div", join(parts), f"mk-banner mk-mode-{status.environment} mk-is-{look}", role="status")


def _state(status: EngineStatus, heard: bool) -> tuple[str, str, str]:
    """Look, words and reason: what an engine that is silent was doing last is not what it does now."""
    words = STATES.get(status.state, str(status.state))
    if not heard and status.state not in ENDS:
        return "lost", "\u2715 NO CONTACT", f"last known: {words} ({status.reason})"
    if status.health.socket is LinkState.DOWN and status.state not in ENDS:
        return "lost", "\u2715 NO GATEWAY", f"{words} ({_reason(status)})"
    if status.state is TradingState.PAUSED and not status.started:
        return "waiting", "\u25cb open, not started", status.reason
    return str(status.state), words, _reason(status)


def _reason(status: EngineStatus) -> str:
    """With what it waits for, where it was told to get flat."""
    return "; ".join((status.reason, *map(str, status.waits)))


def _clocks(status: EngineStatus) -> Html:
    return tag("small", f"market time {clock(status.market_time)} New York")


def lights(status: EngineStatus) -> Html:
    """The four layers of the connection, from the socket outwards, with the age of what was heard."""
    shown = []
    for layer in _believed(status):
        known = age(layer.age_s)
        words = filter(None, (layer.detail or DETAILS.get(layer.name), f"heard {known} ago" if known else ""))
        head = tag("b", f"{LIGHTS[layer.state]} {layer.name} {layer.state}")
        shown.append(
            tag(
                "div",
                join((head, Html("<br>"), tag("small", join(words, Html("<br>"))))),
                f"mk-light mk-light-{layer.state}",
            )
        )
    return tag("div", join(shown), "mk-lights")


def _believed(status: EngineStatus) -> tuple[ConnectionLayer, ...]:
    """Behind a socket that is down nothing is known, whatever was heard last."""
    if status.health.socket is not LinkState.DOWN:
        return status.layers
    gateway, *behind = status.layers
    return replace(gateway, detail="nobody answers"), *(replace(each, state=LinkState.UNKNOWN) for each in behind)


def positions_table(positions: tuple[PositionView, ...]) -> Html:
    """What is held, with its open profit in USD and in multiples of the initial risk."""
    rows = [
        (tag("b", view.symbol), number(view.quantity, 0), number(view.average_price), number(view.last_price),
         number(view.stop_price), gain(view.unrealised_usd), _r(view.r), clock(view.opened_at))
        for view in positions
    ]  # fmt: skip
    prices = [ColumnHead(name=name, unit="USD", number=True) for name in ("paid", "last", "stop", "open")]
    heads: tuple[str | ColumnHead, ...] = (
        "symbol",
        ">shares",
        *prices,
        ">R",
        ColumnHead(name="since", unit="New York", number=True),
    )
    return table(f"Positions ({len(positions)})", heads, rows, "nothing is held")


def _r(r: float) -> Html:
    if math.isnan(r):
        return tag("b", "no stop", "mk-loss")
    return gain(r)


def vitals(status: EngineStatus) -> Html:
    """Queues, delays, counts and the quietest symbols: is the engine keeping up?"""
    ages = {symbol: age_s for symbol, age_s in status.data_ages_s.items() if not math.isnan(age_s)}
    quietest = sorted(ages.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN_AGES]
    skips = sorted(status.skips.items(), key=lambda pair: (-pair[1], pair[0]))
    waiting = {name: str(depth) for name, depth in status.queues.items() if depth}
    lines = (
        ("waiting", waiting or {f"nothing in {len(status.queues)}": "queues"}),
        ("lag", {name: f"{lag_s * 1e3:.0f} ms" for name, lag_s in status.lags_s.items()}),
        ("counts", {name: f"{count:,}" for name, count in status.counts.items()}),
        ("skipped", {name: f"{count:,}" for name, count in skips}),
        ("quietest", {symbol: age(age_s) for symbol, age_s in quietest}),
    )
    title = tag("div", "Engine", "mk-caption")
    about = tag("div", f"pid {status.pid}, thresholds {status.thresholds_name} {status.thresholds_hash}", "mk-faint")
    return join((title, about, *(_line(name, values) for name, values in lines)))


def _line(name: str, values: Mapping[str, object]) -> Html:
    shown = [tag("span", join((tag("span", f"{key} ", "mk-faint"), tag("b", value)))) for key, value in values.items()]
    return tag("div", join((tag("b", name, "mk-faint"), tag("span", join(shown) or Html("\u2013")))), "mk-bars")


def incidents(found: tuple[str, ...]) -> Html:
    """The last few, newest first; nothing where there were none."""
    if not found:
        return Html("")
    rows = [tag("div", words) for words in reversed(found[-4:])]
    return tag("div", join((tag("b", f"Incidents ({len(found)})"), *rows)), "mk-words mk-words-warn")


def kit_card(status: EngineStatus, decisions: Sequence[Mapping[str, Any]]) -> Html:
    """A session at one look; decisions: rows of the journal whose rules are shown, the newest last."""
    counts = ", ".join(f"{status.counts[name]:,} {name.replace('_', ' ')}" for name in COUNTS if name in status.counts)
    foot = tag("div", f"{counts or 'nothing heard yet'}; engine pid {status.pid}", "mk-faint")
    return _card(status, [*map(decision_trace, reversed(decisions)), foot])


def _card(status: EngineStatus, below: Sequence[Html]) -> Html:
    parts = [banner(status), lights(status), incidents(status.incidents), positions_table(status.positions), *below]
    record = tag("div", f"record in {status.run_dir}", "mk-faint")
    return join((STYLE, tag("div", join(filter(None, (*parts, record))), "mk mk-card")))


def decision_trace(row: Mapping[str, Any]) -> Html:
    """One decision: each rule's value beside its limit, and what came of it."""
    signal = row["verdict"] == "signal"
    reason, detail = row.get("reason") or "", row.get("detail") or ""
    why = ": ".join(filter(None, (reason, reason_detail(reason, detail, row["decided_at"]))))
    verdict = chip("signal", "good") if signal else join((chip("no signal", "off"), " ", why))
    head = join((tag("b", row["symbol"]), f" at {clock(row['decided_at'])}, {number(row.get('price'))} USD  ", verdict))
    rows = [
        (rule["rule"], rule_value(rule["rule"], rule["value"]), rule_value(rule["rule"], rule["threshold"]),
         chip("passed", "good") if rule["passed"] else chip("failed", "bad"))
        for rule in row.get("rules") or ()
    ]  # fmt: skip
    return join((tag("div", head), table("Rules", ("rule", ">value", ">limit", "verdict"), rows, "no rule was asked")))


def ended_card(words: str) -> Html:
    """In place of a session's card where nothing answers and nothing was left."""
    return join((STYLE, tag("div", tag("div", words, "mk-words mk-words-bad"), "mk mk-card")))


class ShownStatus(EngineStatus):
    """The frozen snapshot, which in a cell shows itself: a subclass, since models know nothing of HTML."""

    __slots__ = ()

    @classmethod
    def of(cls, status: EngineStatus) -> Self:
        """The same snapshot."""
        return cls(**{each.name: getattr(status, each.name) for each in fields(status)})

    def _repr_html_(self) -> str:
        profit = {"realised": self.realised_usd, "open": self.unrealised_usd, "costs": -self.costs_usd}
        told = _line("profit", {name: join((gain(usd), " USD")) for name, usd in profit.items()})
        since = _line("since", {f"{self.state}": f"{clock(self.state_since)} New York"})
        return _card(self, [tag("div", join((told, since))), tag("div", vitals(self))])
