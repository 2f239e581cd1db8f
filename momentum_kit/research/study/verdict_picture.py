"""The verdict in one look, as an SVG: each question, what was found against what was asked, what is not known and why.

Above, a row a question: the cut-off is a line, the answer a mark on its side of it, the further the more clearly.
Below, what a fill nets, with its band, by the days and the costs that it was asked of. Shapes tell as much as colours.
"""

import math
from collections.abc import Iterator

from momentum_kit.pages import Html, join, tag
from momentum_kit.research.validation import Band, Check, Evidence, Verdict

WIDTH, ROW, TOP = 880, 30, 64
ASKED_AT, TRACK, CUT, TRACK_END = 4, 362, 466, 622  # x of the question, the track, its cut-off, its end
FOUND_AT, WANTED_AT = 638, 742
MOST_FOUND = 13  # characters of an answer beside which there is room for what was wanted
YES, NO, UNKNOWN = "#0072b2", "#d55e00", "#7b8794"  # blue, vermilion, grey: told apart by colour-blind eyes
WORDS = {"accept": YES, "refuse": NO, "cannot tell": UNKNOWN}
GLANCE = 5  # signs on each side of the cut-off, in words


def verdict_svg(verdict: Verdict, evidence: Evidence) -> Html:
    """One picture that needs nothing else; text takes the colour of the page it stands on."""
    bands = list(_bands(evidence))
    below = TOP + ROW * len(verdict.checks) + 74
    height = below + ROW * len(bands) + 16 if bands else below - 40
    parts = [*_head(verdict), *_questions(verdict), *(_nets(bands, below) if bands else ())]
    return tag(
        "svg", join(parts), xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", width="100%",
        role="img", aria_label=in_words(verdict), font_family="system-ui, sans-serif", font_size=14,
        fill="currentColor", style=f"max-width:{WIDTH}px;display:block",
    )  # fmt: skip


def in_words(verdict: Verdict) -> str:
    """The picture for who cannot see it."""
    return f"{verdict.word}: {_counts(verdict)}"


def glance(check: Check) -> str:
    """One question as signs: the cut-off is |, the answer o on the good side and x on the other, ? if not known."""
    if check.passed is None:
        return f"{'.' * GLANCE}?{'.' * GLANCE}"
    place = max(1, min(GLANCE, math.ceil(abs(check.score) * GLANCE))) if math.isfinite(check.score) else 1
    left, right = ["."] * GLANCE, ["."] * GLANCE
    if check.passed:
        right[place - 1] = "o"
    else:
        left[GLANCE - place] = "x"
    return f"{''.join(left)}|{''.join(right)}"


def _counts(verdict: Verdict) -> str:
    yes, no = (sum(check.passed is answer for check in verdict.checks) for answer in (True, False))
    unknown = len(verdict.checks) - yes - no
    return f"{yes} of {len(verdict.checks)} questions answered as wanted, {no} not, {unknown} not known"


def _head(verdict: Verdict) -> Iterator[Html]:
    yield _text(ASKED_AT, 18, _counts(verdict), size=15, weight=600, fill=WORDS[verdict.word])
    for x, words, anchor in (
        (TRACK, "not enough", "start"), (CUT, "cut-off", "middle"), (TRACK_END, "clearly", "end"),
        (FOUND_AT, "found", "start"), (WANTED_AT, "wanted", "start"),
    ):  # fmt: skip
        yield _text(x, 50, words, size=12, anchor=anchor, opacity=0.7)


def _questions(verdict: Verdict) -> Iterator[Html]:
    end = TOP + ROW * len(verdict.checks)
    yield _rect(TRACK, TOP - 6, CUT - TRACK, end - TOP + 4, NO, 0.10)
    yield _rect(CUT, TOP - 6, TRACK_END - CUT, end - TOP + 4, YES, 0.10)
    yield _line(CUT, TOP - 6, CUT, end - 2, "currentColor", 1.5)
    for number, check in enumerate(verdict.checks):
        y = TOP + ROW * number + 10
        yield _text(ASKED_AT, y + 5, _short(check.question, 54), size=13)
        yield from _answer(check, y)


def _answer(check: Check, y: float) -> Iterator[Html]:
    if check.passed is None:
        yield tag("circle", "", cx=CUT, cy=y, r=9, fill="#ffffff", stroke=UNKNOWN, stroke_width=1.5)
        yield _text(CUT, y + 5, "?", size=14, weight=700, anchor="middle", fill="#52606d")
        yield _text(FOUND_AT, y + 5, _short(check.unknown or check.found, 36), size=13, fill=UNKNOWN, style="italic")
        return
    colour = YES if check.passed else NO
    reach = (TRACK_END - CUT if check.passed else CUT - TRACK) - 12
    far = min(abs(check.score), 1.0) if math.isfinite(check.score) else 0.5
    x = CUT + (1 if check.passed else -1) * (8 + far * (reach - 8))
    yield _line(CUT, y, x, y, colour, 3)
    if check.passed:
        yield tag("circle", "", cx=f"{x:.1f}", cy=f"{y:.1f}", r=6, fill=colour)
    else:
        yield _line(x - 5, y - 5, x + 5, y + 5, colour, 3)
        yield _line(x - 5, y + 5, x + 5, y - 5, colour, 3)
    yield _text(FOUND_AT, y + 5, _short(check.found, 32), size=13, weight=600)
    if len(check.found) <= MOST_FOUND:
        yield _text(WANTED_AT, y + 5, check.wanted, size=12, opacity=0.7)


def _bands(e: Evidence) -> Iterator[tuple[str, Band, bool]]:
    """Name, band, and whether the days were chosen by it."""
    if e.candidate is None:
        return
    yield "days it was chosen from (selected)", e.in_sample, True
    yield "folds of days it was not chosen from", e.cross_validated.band, False
    yield "walking forward by months", e.walk_forward.band, False
    for name, band in e.stressed.items():
        yield f"{name} (selected days)", band, True
    if e.sealed:
        yield "sealed days", e.sealed, False


def _nets(bands: list[tuple[str, Band, bool]], top: float) -> Iterator[Html]:
    """What a fill nets by days and costs: a mark with its band, hollow where the days were selected."""
    known = [value for _, band, _ in bands for value in (band.estimate, band.low, band.high, 0.0)]
    finite = [value for value in known if math.isfinite(value)]
    low, high = min(finite), max(finite)
    scale = (TRACK_END - TRACK - 20) / max(high - low, 1e-9)

    def at(bps: float) -> float:
        return TRACK + 10 + (bps - low) * scale

    end = top + ROW * len(bands)
    yield _text(ASKED_AT, top - 32, "Net of a fill after all costs, bps, with its 95% band", size=14, weight=600)
    yield _line(at(0), top - 8, at(0), end - 10, "currentColor", 1.5)
    yield _text(at(0), top - 12, "0", size=12, anchor="middle", opacity=0.7)
    for number, (name, band, selected) in enumerate(bands):
        y = top + ROW * number + 6
        yield _text(ASKED_AT, y + 5, name, size=13)
        if not math.isfinite(band.estimate):
            yield _text(FOUND_AT, y + 5, "not known", size=13, fill=UNKNOWN, style="italic")
            continue
        colour = YES if band.estimate > 0 else NO
        if math.isfinite(band.low):
            yield _line(at(band.low), y, at(band.high), y, colour, 3)
        fill = "none" if selected else colour
        yield tag("circle", "", cx=f"{at(band.estimate):.1f}", cy=y, r=5.5, fill=fill, stroke=colour, stroke_width=2.5)
        reach = f" ({band.low:+.0f} to {band.high:+.0f})" if math.isfinite(band.low) else " (no band: too few days)"
        yield _text(FOUND_AT, y + 5, f"{band.estimate:+.1f}{reach}", size=13)


def _text(x: float, y: float, words: str, *, size: int, weight: int = 400, anchor: str = "start",
          fill: str = "currentColor", opacity: float = 1.0, style: str = "normal") -> Html:  # fmt: skip
    return tag(
        "text", words, x=f"{x:.1f}", y=f"{y:.1f}", font_size=size, font_weight=weight, text_anchor=anchor, fill=fill,
        fill_opacity=opacity, font_style=style,
    )  # fmt: skip


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> Html:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return tag("line", "", stroke=colour, stroke_width=width, **{name: f"{value:.1f}" for name, value in ends.items()})


def _rect(x: float, y: float, width: float, height: float, colour: str, opacity: float) -> Html:
    return tag("rect", "", x=x, y=y, width=width, height=height, fill=colour, fill_opacity=opacity)


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
