"""What panel and page show as HTML: head, headlines, signals, orders, log and profit. Pure, but the head asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from momentum_kit.config import Config
from momentum_kit.models import EngineStatus
from momentum_kit.notebook.html import MODES, banner, incidents, lights
from momentum_kit.notebook.live_view.commands import CommandOutcome
from momentum_kit.notebook.live_view.engine_contact import EngineContact
from momentum_kit.notebook.live_view.session_record import LastWord, Row, SessionRecord
from momentum_kit.pages import Html, chip, clock, gain, join, number, table, tag

SHOWN = 40  # rows of a table
SHOWN_LINES = 60  # of the log
STATUSES = {"Filled": "good", "Cancelled": "off", "ApiCancelled": "off", "Inactive": "bad"}
LEVELS = {"warning": "warn", "error": "bad", "critical": "bad"}
LOOKS = {"bad": "mk-words mk-words-bad", "good": "mk-words", "info": "mk-words"}
POINTS = 240  # more than the picture has pixels to tell apart
WIDTH, HEIGHT, AIR = 600, 120, 6


def headlines_table(record: SessionRecord) -> Html:
    """Every headline with what became of it and why."""
    newest = sorted(record.headlines.values(), key=lambda row: str(row["at"]), reverse=True)[:SHOWN]
    rows = []
    for row in newest:
        verdict = _verdict(record, row)
        symbols = ", ".join(map(str, row.get("symbols") or ()))
        words = tag("div", row["text"] or "", "mk-wrap")
        why = tag("div", verdict.reason, "mk-wrap")
        rows.append((clock(row["at"]), tag("b", symbols), chip(verdict.words, verdict.kind), why, words))
    heads = ("at", "symbol", "verdict", "reason", "headline")
    return table(f"Headlines ({_count(record.headlines, newest)})", heads, rows, "no headline yet")


def _verdict(record: SessionRecord, row: Row) -> LastWord:
    """Of the items that a headline became, the one that came furthest."""
    if row["outcome"] == "skip":
        return LastWord(rank=0, kind="off", words="not judged", reason=str(row["reason"]))
    found = [record.verdicts[item] for item in record.items.get(str(row["story_id"]), ()) if item in record.verdicts]
    return max(
        found,
        key=lambda verdict: verdict.rank,
        default=LastWord(rank=0, kind="info", words="waiting", reason="for its first bar"),
    )


def signals_table(record: SessionRecord) -> Html:
    """Every signal with the numbers behind it, and what the risk gate said."""
    newest = sorted(record.signals.values(), key=lambda row: str(row["at"]), reverse=True)[:SHOWN]
    rows = []
    for row in newest:
        features: Mapping[str, Any] = row.get("features") or {}
        risk = record.risk.get(str(row["item_id"]), {})
        accepted = risk.get("verdict") == "accepted"
        said = f"{number(risk.get('quantity'), 0)} shares" if accepted else str(risk.get("reason", "asking"))
        kind = "good" if accepted else "warn" if risk else "info"
        move = number(100 * float(features.get("ret_news") or 0), 1, plus=True)
        rows.append((
            clock(row["at"]), tag("b", row["symbol"]), chip(said, kind), number(row["price"]), move,
            number(features.get("z_tod"), 1), number(features.get("rvol_bar"), 1),
            number(features.get("spread_bps"), 0),
        ))  # fmt: skip
    heads = ("at", "symbol", "risk gate", ">price", ">move %", ">z", ">rvol", ">bps")
    return table(f"Signals ({_count(record.signals, newest)})", heads, rows, "no signal yet")


def orders_table(record: SessionRecord) -> Html:
    """Every order as it stands."""
    newest = sorted(record.orders.values(), key=lambda row: (row["placed_at"], row["order_id"]), reverse=True)[:SHOWN]
    rows = []
    for row in newest:
        update = record.updates.get(row["order_id"], {})
        status = str(update.get("status", "sent"))
        price = row["stop_price"] if row["stop_price"] is not None else row["limit_price"]
        done = f"{number(update.get('filled', 0), 0)} of {number(row['quantity'], 0)}"
        rows.append((
            clock(row["placed_at"]), tag("b", row["symbol"]), row["leg"], chip(status, STATUSES.get(status, "info")),
            f"{row['action']} {row['order_type']}", number(price), done, number(update.get("avg_fill_price") or None),
        ))  # fmt: skip
    heads = ("at", "symbol", "leg", "status", "order", ">price", ">filled", ">paid")
    return table(f"Orders ({_count(record.orders, newest)})", heads, rows, "no order yet")


def log_tail(record: SessionRecord) -> Html:
    """The engine's last log lines, newest first."""
    newest = list(record.log)[: -SHOWN_LINES - 1 : -1]
    title = tag("div", "Log", "mk-caption")
    if not newest:
        return join((title, tag("div", "nothing logged since this was opened", "mk-empty")))
    return join((title, tag("div", join(map(_log_line, newest)), "mk-lines")))


def _log_line(line: Mapping[str, Any]) -> Html:
    said_by = f"{clock(line.get('at', ''))} {line['logger']}: ".lstrip()
    return tag("div", join((tag("span", said_by, "mk-faint"), _level(str(line["level"])), line["text"])))


def _level(level: str) -> Html:
    return join((chip(level, LEVELS[level]), " ")) if level in LEVELS else Html("")


def _count(kept: Mapping[Any, Any], shown: list[Any]) -> str:
    return f"{len(shown)}" if len(shown) == len(kept) else f"newest {len(shown)} of {len(kept)}"


def head(contact: EngineContact, config: Config, outcome: CommandOutcome, beat: int, stale: str) -> Html:
    """Everything above the buttons.

    beat: changes with every painting, which starts the browser's own watch anew. stale: what that watch says.
    """
    gone, status = contact.words(), contact.status
    parts = [tag("div", stale.format(config.arguments), "mk-stale", data_beat=beat)]
    if status is not None:
        parts += [
            banner(status, heard=not gone),
            tag("div", gone, LOOKS["bad"], role="alert") if gone else lights(status),
        ]
        parts.append(incidents(status.incidents))
    else:
        environment = config.environment
        mode = tag("span", f"{MODES.get(environment, environment)}: no session", "mk-mode")
        parts += [tag("div", mode, f"mk-banner mk-mode-{environment}"), tag("div", gone or "connecting", LOOKS["bad"])]
    if outcome.words:
        parts.append(tag("div", outcome.words, LOOKS[outcome.kind], role="status", aria_live="polite"))
    return tag("div", join(parts), "mk-gone" if gone else "")


def kill_words(status: EngineStatus | None, connected: bool, config: Config, open_s: float) -> Html:
    """What the second step of a kill, open for so long, will do, with what is held just now."""
    if status is None or not connected:
        what = "No engine answers: the kill LATCHES the account, and an engine that hangs obeys once it wakes. "
        what += "It closes nothing by itself: look at the account."
    else:
        held = ", ".join(f"{view.quantity:g} {view.symbol}" for view in status.positions)
        what = (
            f"This cancels every entry, {f'closes {held}' if held else 'closes nothing (nothing is held)'}, ends the "
        )
        what += f"session and LATCHES {status.account}: nothing trades it again until a human types the phrase of "
        what += f"{config.command('clear')}."
    head = tag("b", f"Kill? Second step open for {open_s:.0f} s. ")
    return tag("div", join((head, what)), "mk-words mk-words-bad", role="alert")


def equity_curve(points: Sequence[tuple[datetime, float]]) -> Html:
    """Net USD over market time; in words where there is nothing to draw yet."""
    title = tag("div", "Profit after costs, USD", "mk-caption")
    if len(points) < 2:
        return join((title, tag("div", "no profit, no loss yet", "mk-empty")))
    kept = thinned(points)
    low, high = min(0.0, *(net for _, net in kept)), max(0.0, *(net for _, net in kept))
    if high - low < 1e-9:
        high = 1.0
    first, span = kept[0][0], max((kept[-1][0] - kept[0][0]).total_seconds(), 1e-9)
    places = [((at - first).total_seconds() / span * WIDTH, _height(net, low, high)) for at, net in kept]
    zero = _height(0.0, low, high)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    color = "#21a35f" if kept[-1][1] >= 0 else "#e02a3c"
    words = f"since {clock(first)} between {number(low)} and {number(high)} USD"
    picture = Html(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{words}" '
        f'style="width:100%;height:{HEIGHT}px;display:block">'
        f'<line x1="0" x2="{WIDTH}" y1="{zero:.1f}" y2="{zero:.1f}" stroke="currentColor" stroke-opacity=".35" '
        'vector-effect="non-scaling-stroke"/>'
        f'<polygon points="0,{zero:.1f} {path} {WIDTH},{zero:.1f}" fill="{color}" fill-opacity=".16"/>'
        f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
    foot = tag("div", join((gain(kept[-1][1]), f" at {clock(kept[-1][0])}, ", words)), "mk-faint")
    return join((title, picture, foot))


def thinned(points: Sequence[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """At most about POINTS of them: of each stretch its lowest and its highest, so that no spike goes missing."""
    if len(points) <= POINTS:
        return list(points)
    size = -(-len(points) // (POINTS // 2))
    kept = [points[0]]
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        ends = {min(stretch, key=_net), max(stretch, key=_net)}
        kept.extend(sorted(ends))
    return [*kept, points[-1]]


def _net(point: tuple[datetime, float]) -> float:
    return point[1]


def _height(net: float, low: float, high: float) -> float:
    return AIR + (high - net) / (high - low) * (HEIGHT - 2 * AIR)
