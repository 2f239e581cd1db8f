"""The tuner's pictures as SVG and HTML, drawn anew at every turn of a dial: no plotting library is fast enough.

Colours and shapes are those of the kit's other pictures: vermilion for a loss, blue for a gain, white at zero; a hollow
mark is of selected days; a black frame is the plateau, an orange one where the dials stand.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from momentum_kit.pages import TABLE_STYLE, Html, chip, join, number, tag
from momentum_kit.research.tuner.exploration import Exploration
from momentum_kit.research.tuner.view import MovedRule, Plane, TunerCaption, TunerView
from momentum_kit.research.validation import Band

YES, NO, UNKNOWN, ORANGE, INK, PALE, FAINT = "#0072b2", "#d55e00", "#7b8794", "#e69f00", "#1f2933", "#eef0f2", "#66727f"
LOSS_TO_GAIN = ((213, 94, 0), (243, 182, 141), (255, 255, 255), (143, 193, 227), (0, 114, 178))
WIDTH = 560  # of a picture, in its own units
MOST_WRITTEN = 12  # steps of a side up to which every cell holds its numbers
MAP_LEFT, MAP_TOP, MAP_ROW = 96, 8, 34


def face(e: Exploration, view: TunerView, caption: TunerCaption) -> Html:
    """What stands at the position in large figures, the trials behind it, and its band beside the file's."""
    net, few = view.net, not math.isfinite(view.net.low)
    tone = UNKNOWN if few and not view.fills else YES if net.estimate > 0 else NO
    large = tag("span", _bps(net.estimate), style=f"font-size:2.3em;font-weight:700;color:{tone};line-height:1.1")
    hits = f", {view.hits / view.fills:.0%} with a gain" if view.fills else ""
    facts = [
        join((tag("b", f"{view.signals:,}"), " signals, ", tag("b", f"{view.fills:,}"), f" fills{hits}")),
        join(("DSR ", tag("b", number(view.dsr)), f": chance to beat the luckiest of {e.trials:,} without an edge")),
        join(("exit ", tag("b", view.exit_rule.name))),
    ]
    title = tag("div", join((chip("SELECTED", "warn"), " net of a fill after all costs")))
    lines = (tag("div", fact, "mk-faint") for fact in facts)
    left = join((title, large, tag("div", _band_words(net, len(e.days))), *lines))
    left = tag("div", left, style="min-width:min(100%,250px);flex:1 1 250px")
    right = tag("div", _bands(e, view, caption), style="flex:2 1 420px;min-width:min(100%,320px)")
    return tag("div", join((left, right)), style="display:flex;flex-wrap:wrap;gap:8px 24px;align-items:center")


def head(e: Exploration, caption: TunerCaption) -> Html:
    """Whose days these are, what is sealed, and every trial that was booked on them."""
    days = f"{len(e.table):,} events on {len(e.days)} open days, {e.days[0]} to {e.days[-1]}"
    parts = [
        tag("b", "Tuner"), days, caption.sealed,
        chip(f"TRIALS {e.trials:,} on these days", "info"),
        f"{caption.new_trials:,} of them by opening this tuner; dragging adds none",
        *(chip(mark, "warn") for mark in e.table.marks),
    ]  # fmt: skip
    return tag(
        "div", join([tag("span", part) for part in parts if part]), style="display:flex;flex-wrap:wrap;gap:4px 14px"
    )


def heat_chart(e: Exploration, plane: Plane | None) -> Html:
    """Mean net of a fill over two dials; pale: too few fills to be judged."""
    if plane is None:
        return tag("div", "A map needs two dials with more than one step.", "mk-empty")
    rows, columns = plane.mean_bps.shape
    wide, tall = (WIDTH - MAP_LEFT - 8) / columns, MAP_ROW if rows <= MOST_WRITTEN else 18
    bottom = MAP_TOP + rows * tall
    reach = _reach(e)
    parts = list(_cells(plane, wide, tall, reach))
    parts += _outline(plane, wide, tall)
    across, up = plane.at
    parts.append(_box(across, rows - 1 - up, wide, tall, inset=2, stroke=ORANGE, stroke_width=3.5))
    for column in range(columns):
        x = MAP_LEFT + (column + 0.5) * wide
        parts.append(_text(x, bottom + 16, plane.x.label.value(plane.x.values[column]), bold=column == across))
    for row in range(rows):
        y = MAP_TOP + (rows - 1 - row + 0.5) * tall + 4
        parts.append(_text(MAP_LEFT - 8, y, plane.y.label.value(plane.y.values[row]), anchor="end", bold=row == up))
    parts.append(_text(MAP_LEFT + columns * wide / 2, bottom + 36, plane.x.label.text, size=12))
    middle = MAP_TOP + rows * tall / 2
    parts.append(_text(14, middle, plane.y.label.text, size=12, transform=f"rotate(-90 14 {middle:.0f})"))
    told = "Net of a fill, bps, the other dials where they stand. Black: plateau; orange: here; pale: under 30 fills."
    return join((tag("div", told, "mk-faint"), _svg(bottom + 44, parts, "net over two dials")))


def days_chart(e: Exploration, view: TunerView) -> Html:
    """Fills of each day as bars, and what they brought, added up."""
    left, right, base = 60, WIDTH - 12, 76
    wide, most = (right - left) / len(e.days), max(int(view.day_fills.max(initial=0)), 1)
    tall = (base - 8) / most
    bars = " ".join(
        f"M{left + at * wide:.1f},{base}V{base - count * tall:.1f}H{left + (at + 0.82) * wide:.1f}V{base}Z"
        for at, count in enumerate(view.day_fills.tolist()) if count
    )  # fmt: skip
    total = np.concatenate([[0.0], np.cumsum(view.day_bps)])
    low, high = float(total.min()), float(total.max())
    scale = 104 / max(high - low, 1.0)
    places = enumerate((high - total) * scale + 96)
    line = " ".join(f"{left + at * wide:.1f},{y:.1f}" for at, y in places)
    zero = high * scale + 96
    parts = [
        tag("path", "", d=Html(bars), fill=UNKNOWN, fill_opacity=0.75),
        _text(left - 8, 16, f"{most}", anchor="end"), _text(left - 8, base, "0", anchor="end"),
        _line(left, zero, right, zero, "currentColor", 1, stroke_opacity=0.5),
        tag("polyline", "", points=Html(line), fill="none", stroke=YES if total[-1] > 0 else NO, stroke_width=2.2,
            stroke_linejoin="round"),
        _text(left - 8, zero + 4, "0", anchor="end"),
        _text(left, 220, f"{e.days[0]}", anchor="start"), _text(right, 220, f"{e.days[-1]}", anchor="end"),
    ]  # fmt: skip
    if abs(total[-1]) * scale > 14:
        parts.append(_text(left - 8, 100 + (high - total[-1]) * scale, f"{total[-1]:+,.0f}", anchor="end"))
    idle = float(np.mean(view.day_fills == 0))
    told = f"Fills by day (none on {idle:.0%} of them), and their net so far, bps of a position; lowest {low:+,.0f}."
    return join((tag("div", told, "mk-faint"), _svg(226, parts, told)))


def moved_words(view: TunerView) -> Html:
    """What the shadow book says of the dial that was turned last."""
    moved = view.moved
    if moved is None:
        return tag(
            "div", "Turn a threshold: here stands what it keeps out. An exit keeps nothing out.", "mk-words mk-faint"
        )
    value = moved.dial.words(moved.step)
    if not moved.barred:
        at = "is this dial's loosest step: it" if not moved.step else "alone"
        return tag("div", f"{moved.dial.label.words} {value} {at} keeps nothing out.", "mk-words")
    loosest = moved.dial.words(0)
    kind, verdict = _verdict(moved)
    parts: list[object] = [
        chip(verdict, kind), " ", tag("b", f"{moved.dial.label.words} {value}"),
        f" alone keeps out {moved.barred:,} events that {loosest} lets in. ",
    ]  # fmt: skip
    if moved.fills:
        later = ", ".join(f"{name} {number(bps, 0, plus=True)}" for name, bps in moved.later_bps.items())
        saved = "saved" if moved.saved_bps >= 0 else "cost"
        mean = -moved.saved_bps / moved.fills
        interval = f" (95%: {moved.net.low:+.0f} to {moved.net.high:+.0f})" if math.isfinite(moved.net.low) else ""
        bar = f"the bar {saved} {abs(moved.saved_bps):,.0f} bps"
        parts.append(f"Their {moved.fills:,} fills net {mean:+.1f} bps each{interval}: {bar}. Sold after {later}.")
    parts.append(" Lifting it for what is seen here is a choice after the fact.")
    return tag("div", join(parts), "mk-words")


def gains_words(view: TunerView, caption: TunerCaption) -> Html:
    """Events gained and lost against the file."""
    file = f"{caption.against} signals {view.file_signals:,} times"
    if view.file_fills:
        file += f" and nets {_bps(view.file_net.estimate)} a fill under this exit"
    parts = (
        "Against the file: ", tag("b", f"{view.gained_count:,} gained", style=f"color:{YES}"), ", ",
        tag("b", f"{view.lost_count:,} lost", style=f"color:{NO}"), f", {view.both:,} in both. {file}.",
    )  # fmt: skip
    return tag("div", join(parts))


def still(e: Exploration, view: TunerView, caption: TunerCaption) -> Html:
    """Everything at once, for a page without a kernel behind it."""
    halves = [heat_chart(e, view.plane), days_chart(e, view)]
    wide = tag(
        "div", join(tag("div", half, style="flex:1 1 420px;min-width:min(100%,320px)") for half in halves),
        style="display:flex;flex-wrap:wrap;gap:8px 24px;margin-top:8px",
    )  # fmt: skip
    moved = (moved_words(view),) if view.moved else ()
    parts = (head(e, caption), face(e, view, caption), wide, *moved, gains_words(view, caption))
    return join((TABLE_STYLE, tag("div", join(parts), "mk mk-frame", style="max-width:1180px")))


def in_words(e: Exploration, view: TunerView) -> str:
    """The face for who cannot see it."""
    return (
        f"SELECTED: {_bps(view.net.estimate)} a fill, {_band_words(view.net, len(e.days))}; {view.signals:,} signals, "
        f"{view.fills:,} fills on {len(e.days)} open days, {e.days[0]} to {e.days[-1]}; exit {view.exit_rule.name}; "
        f"{e.trials:,} trials on these days, DSR {number(view.dsr)}"
    )


def _verdict(moved: MovedRule) -> tuple[str, str]:
    if moved.net.high < 0:
        return "good", "keeps losing trades out"
    if moved.net.low > 0:
        return "bad", "keeps paying trades out"
    return "off", "cannot tell"


def _band_words(band: Band, days: int) -> str:
    if math.isfinite(band.low):
        return f"{band.level:.0%} when days are drawn again: {band.low:+.0f} to {band.high:+.0f}"
    return f"no band: {days} days with events are too few" if math.isfinite(band.estimate) else "no fill"


def _bps(value: float) -> str:
    return f"{number(value, 1, plus=True)} bps"


def _bands(e: Exploration, view: TunerView, caption: TunerCaption) -> Html:
    """Net of a fill here and by the file, on one axis that stays while dials are turned."""
    left, right, reach = 128, WIDTH - 70, 1.6 * _reach(e)

    def at(bps: float) -> float:
        return left + (min(max(bps, -reach), reach) + reach) / (2 * reach) * (right - left)

    parts = []
    for tick in (step * _round(reach / 2) for step in range(-2, 3)):
        if abs(tick) <= reach:
            strong = 0.15 if tick else 0.55
            parts.append(_line(at(tick), 8, at(tick), 78, "currentColor", 1, stroke_opacity=strong))
            parts.append(_text(at(tick), 94, f"{tick:+.0f}" if tick else "0"))
    for name, band, y, hollow in (
        ("here, selected", view.net, 28, True), (caption.against, view.file_net, 58, False)
    ):  # fmt: skip
        parts.append(_text(left - 10, y + 4, name if len(name) <= 18 else f"{name[:17]}\u2026", anchor="end", size=12))
        if not math.isfinite(band.estimate):
            parts.append(_text(at(0) + 8, y + 4, "no fill", anchor="start"))
            continue
        tone = YES if band.estimate > 0 else NO
        if math.isfinite(band.low):
            parts.append(_line(at(band.low), y, at(band.high), y, tone, 4))
        mark = tag(
            "circle", "", cx=f"{at(band.estimate):.1f}", cy=y, r=6.5, stroke=tone, stroke_width=2.5,
            fill="var(--jp-layout-color1, #fff)" if hollow else tone,
        )  # fmt: skip
        parts += [mark, _text(WIDTH, y + 4, f"{band.estimate:+.1f}", anchor="end", size=13, bold=True)]
    return _svg(100, parts, "net of a fill after all costs, bps")


def _cells(plane: Plane, wide: float, tall: float, reach: float) -> Iterator[Html]:
    rows = len(plane.mean_bps)
    small = max(plane.mean_bps.shape) > MOST_WRITTEN
    for (row, column), fills in np.ndenumerate(plane.fills):
        mean, thin = float(plane.mean_bps[row, column]), bool(plane.thin[row, column])
        line = rows - 1 - row
        yield _box(column, line, wide, tall, fill=PALE if thin else _tone(mean / reach))
        if small:
            continue
        ink = FAINT if thin else "#ffffff" if abs(mean) > 0.75 * reach else INK
        x, y = MAP_LEFT + (column + 0.5) * wide, MAP_TOP + (line + 0.5) * tall
        told = number(mean, 0, plus=True) if fills else "-"
        yield _text(x, y - 1, told, size=12, fill=ink)
        yield _text(x, y + 11, f"n {fills:,}", size=9, fill=ink)


def _outline(plane: Plane, wide: float, tall: float) -> list[Html]:
    """A line around the plateau: every edge between a member and what is none."""
    padded, rows = np.pad(plane.plateau, 1), len(plane.plateau)
    path = []
    for row, column in np.argwhere(plane.plateau).tolist():
        left, top = MAP_LEFT + column * wide, MAP_TOP + (rows - 1 - row) * tall
        if not padded[row + 1, column]:
            path.append(f"M{left:.1f},{top:.1f}v{tall}")
        if not padded[row + 1, column + 2]:
            path.append(f"M{left + wide:.1f},{top:.1f}v{tall}")
        if not padded[row, column + 1]:
            path.append(f"M{left:.1f},{top + tall:.1f}h{wide:.1f}")
        if not padded[row + 2, column + 1]:
            path.append(f"M{left:.1f},{top:.1f}h{wide:.1f}")
    if not path:
        return []
    return [  # black in white: seen on every colour and in both themes
        tag("path", "", d=Html(" ".join(path)), stroke=colour, stroke_width=width, stroke_linecap="round", fill="none")
        for colour, width in (("#ffffff", 5.5), ("#000000", 2.6))
    ]


def _box(column: int, line: int, wide: float, tall: float, inset: float = 0.5, **look: Any) -> Html:
    shown: dict[str, Any] = {"fill": "none"} | look
    return tag(
        "rect", "", x=f"{MAP_LEFT + column * wide + inset:.1f}", y=f"{MAP_TOP + line * tall + inset:.1f}",
        width=f"{wide - 2 * inset:.1f}", height=f"{tall - 2 * inset:.1f}", **shown,
    )  # fmt: skip


def _reach(e: Exploration) -> float:
    """The colours' and the axis' end, the same wherever the dials stand."""
    known = np.abs(e.mean_bps[(e.fills >= 30) & np.isfinite(e.mean_bps)])
    return max(float(np.quantile(known, 0.95)), 1.0) if known.size else 50.0


def _tone(share: float) -> str:
    """From vermilion at -1 over white to blue at 1."""
    place = (min(max(share, -1.0), 1.0) + 1) / 2 * (len(LOSS_TO_GAIN) - 1)
    at = min(int(place), len(LOSS_TO_GAIN) - 2)
    mixed = (round(a + (b - a) * (place - at)) for a, b in zip(LOSS_TO_GAIN[at], LOSS_TO_GAIN[at + 1], strict=True))
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def _round(value: float) -> float:
    """Down to 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(max(value, 1e-9)))
    return float(next(step * power for step in (5, 2, 1) if step * power <= value * 1.0000001))


def _svg(height: float, parts: list[Html], words: str) -> Html:
    return tag(
        "svg", join(parts), viewBox=f"0 0 {WIDTH} {height:g}", width="100%", role="img", aria_label=words,
        font_family="system-ui, sans-serif", font_size=11, fill="currentColor", style="display:block;max-width:760px",
    )  # fmt: skip


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float, **more: Any) -> Html:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    places = {name: f"{value:.1f}" for name, value in ends.items()}
    return tag("line", "", stroke=colour, stroke_width=width, **places, **more)


def _text(x: float, y: float, words: str, *, anchor: str = "middle", size: int = 11, fill: str = "currentColor",
          bold: bool = False, **more: Any) -> Html:  # fmt: skip
    return tag(
        "text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, font_size=size, fill=fill,
        font_weight=700 if bold else 400, **more,
    )  # fmt: skip
