"""The equity curve as a light inline picture; pure, from points to SVG."""

from collections.abc import Sequence
from datetime import datetime

from momentum_kit.pages import Html, clock, gain, join, number, tag

POINTS = 240  # more than the picture has pixels to tell apart
WIDTH, HEIGHT, AIR = 600, 120, 6


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
