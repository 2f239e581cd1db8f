"""A session's snapshot as lines for a terminal: state and clock, lights, profit, and what is held with its stop."""

import math
from datetime import datetime

from momentum_kit.models import EngineStatus, LinkState
from momentum_kit.pages import age, number
from momentum_kit.sessions import in_words

_HEADS = ("symbol", "shares", "paid", "last", "stop", "open USD", "R", "held")


def status_words(status: EngineStatus) -> str:
    """What an operator asks first, first; what needs nobody's eye is left out."""
    state = f"{status.environment} {status.account}: {status.state} ({status.reason})"
    lines = [state, _clocks(status), _lights(status), _profit(status)]
    lines += [f"waits: {each}" for each in status.waits]
    lines += _holdings(status)
    lines += [f"incident: {words}" for words in status.incidents[-3:]]
    return "\n".join(lines)


def _clocks(status: EngineStatus) -> str:
    now = status.market_time
    parts = [f"market time {in_words(now)}"]
    if status.state_since:
        parts.append(f"so for {_span(now, status.state_since)}")
    if status.until:
        left = f"{_span(status.until, now)} left" if status.until > now else "which has passed"
        parts.append(f"ends {in_words(status.until, '%H:%M')}, {left}")
    return "; ".join(parts)


def _lights(status: EngineStatus) -> str:
    told = []
    for layer in status.layers:
        detail = layer.detail if layer.state is not LinkState.UP else ""
        heard = age(layer.age_s)
        words = ", ".join(filter(None, (detail, f"heard {heard} ago" if heard else "")))
        told.append(f"{layer.name} {layer.state}{f' ({words})' if words else ''}")
    return "; ".join(told)


def _profit(status: EngineStatus) -> str:
    return (
        f"{number(status.net_usd, plus=True)} USD net: realised {number(status.realised_usd, plus=True)}, "
        f"open {number(status.unrealised_usd, plus=True)}, costs {number(status.costs_usd)}"
    )


def _holdings(status: EngineStatus) -> list[str]:
    if not status.positions:
        return ["nothing is held"]
    rows = [_HEADS]
    for view in status.positions:
        stop = "NO STOP" if math.isnan(view.stop_price) else number(view.stop_price)
        held = _span(status.market_time, view.opened_at) if view.opened_at else "since before"
        rows.append(
            (view.symbol, number(view.quantity, 0), number(view.average_price), number(view.last_price), stop,
             number(view.unrealised_usd, plus=True), number(view.r, plus=True), held)
        )  # fmt: skip
    wide = [max(len(row[at]) for row in rows) for at in range(len(_HEADS))]
    return ["  ".join([row[0].ljust(wide[0]), *map(str.rjust, row[1:], wide[1:])]).rstrip() for row in rows]


def _span(later: datetime, earlier: datetime) -> str:
    return age(max(0.0, (later - earlier).total_seconds()))
