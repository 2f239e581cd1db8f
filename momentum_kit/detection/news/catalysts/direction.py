"""Which way results, outlooks and analysts' words point."""

import re
from collections.abc import Sequence

from momentum_kit.models import Direction

_BEAT = re.compile(
    r"\b(?:beats?|tops?|topped|exceed(?:s|ed)?|surpass\w*|better than|ahead of|above)\b|"
    r"\bblows? past\b|\bupside\b|\bsurprise profit\b"
)
_MISS = re.compile(
    r"\b(?:miss(?:es|ed)?|below|short of|worse than|trails?|light of|disappoint\w*|downside|"
    r"profit warning|warns?)\b"
)
_GROWS = re.compile(
    r"\b(?:record|swings? to (?:a )?profit|narrow(?:s|ed|er)?|doubl\w+|tripl\w+|ris\w+|rose|grow\w*|"
    r"grew|jump\w*|surg\w+|climb\w*|increas\w+|up)\b"
)
_SHRINKS = re.compile(
    r"\b(?:swings? to (?:a )?(?:net )?loss|wid(?:ens|ened|er)|declin\w+|fall\w*|fell|drop\w*|down|"
    r"decreas\w+|plung\w+|slump\w*|slip\w*|shrink\w*)\b"
)
_RAISES = re.compile(
    r"\b(?:rais\w+|lift\w*|boost\w*|hik\w+|increas\w+|ups|upped|above|strong|upbeat|upside|"
    r"higher)\b(?=.{0,60}\b(?:guidance|outlook|forecasts?|view|"
    r"targets?|consensus|estimates?|expectations|projections?|prior|results|quarter|q\d)\b)|"
    r"\b(?:guidance|outlook|forecast|view|guides?)\b.{0,30}\b(?:rais\w+|above|lift\w*|increas\w+|up)\b"
)
_CUTS = re.compile(
    r"\b(?:cut(?:s|ting)?|lower(?:s|ed|ing)?|slash\w*|trim\w*|withdr\w+|suspend\w*|pull(?:s|ed)?|"
    r"reduc\w+|rescind\w*|below|weak\w*|downbeat|soft)\b(?! (?:its |net |adjusted |operating )?(?:loss|debt|costs|"
    r"expenses|cash|net))(?=.{0,60}\b(?:guidance|"
    r"outlook|forecasts?|view|targets?|consensus|estimates?|expectations|projections?|prior|results|"
    r"quarter|q\d)\b)|\b(?:guidance|outlook|forecast|view|guides?)\b.{0,30}\b(?:cut|"
    r"below|lower\w*|withdrawn|suspended|miss\w*|disappoint\w*|down)\b|\bprofit warning\b|\bwarns?\b|"
    r"\blow(?:er)? end\b|\b(?:sees?|expects?|guides?|forecasts?|projects?|warns?)\b[^,;:]{0,20}\b(?:loss|under|"
    r"decline|drop)\b|"
    r"\bhad seen (?:a )?profit\b|\bloss\b.{0,20}\bvs\.? (?:a )?profit\b"
)
_FIGURE = r"(\(\$?|-\$?|\$[-(])?\$?(\d[\d.,]*)\s?(million|mln|m|billion|bln|bn|b|c|k)?\b\)?"
_FIGURES = rf"{_FIGURE}(?:\s?(?:-|to|and)\s?{_FIGURE})?"
_AGAINST = re.compile(  # "sees FY26 revenue $820M-$840M, consensus $893.5M"; groups: what is, what was expected
    r"\b(loss|eps|revenues?|revs?|sales|earnings|shr|ebitda|ffo|bookings|profit)\b"
    r"(?: \(.{1,12}\)|[a-z ]{0,24}?) "
    + _FIGURES
    + r"(?:,|;)?(?: .{0,20}?| )(?:consensus|vs\.?|versus|estimates?|est\.?)"
    r"(?:[ :](?:consensus|estimates?|est\.?|expected|the|of|is|at|factset|street|loss))*:? " + _FIGURES
)
_LOSS = re.compile(r"\bloss\b(?! of\b)")
_LESS = re.compile(
    r"\b(?:narrow\w*|small\w*|shrink\w*|less|lower|reduc\w*|trim\w*|pares?|vs\.?|versus|from|compared|improv\w*|"
    r"halv\w*|cuts?)\b"
)
_SCALE = {"c": 0.01, "k": 1e3, "m": 1e6, "mln": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "bln": 1e9, "billion": 1e9}

_BEARISH = r"sell|underperform|underweight|reduce|negative|strong sell|sector underperform"
_DOWNGRADED = re.compile(
    r"\bdowngrad\w+|\b(?:initiat|start|resum|assum|reinstat|reiterat|maintain|reaffirm|keep|begin|"
    r"launch)\w*\b.{0,60}?\b(?:" + _BEARISH + r")\b(?! rating (?:from|removed))|"
    r"\b(?:cut|lowered|moved|reduced) to (?:sell|hold|neutral|underperform|underweight|equal|market|"
    r"perform|in)|\b(?:cuts?|lowers?|lowered|drops|dropped|slashes|moves)\b.{0,40}? to (?:neutral|underperform|"
    r"underweight|market perform|sector perform|peer perform|equal.weight|sector weight|in.line)\b|\b(?:lower|cut|"
    r"trim|slash|reduc|drop)\w*\b.{0,30}\b(?:price target|target|tgt|pt|price objective)\b|"
    r"\b(?:target|tgt|pt)(?: price)?\b.{0,12}\b(?:cut|lowered|trimmed|slashed|reduced)\b|"
    r"\b(?:cuts?|lowers?|lowered|drops|moves)\b[^,;:]{0,30}? to (?:hold|sell|reduce)(?=$|[,;:]| (?:from|at|on|with|"
    r"rating))|"
    r"\bremoved? .{0,30}\b(?:list|pick)\b|\bdrops coverage|\b(?:bearish|cautious|wary)\b"
)
_UPGRADED = re.compile(
    r"\bupgrad\w+|\b(?:initiat|start|resum|assum|reinstat|begin|launch)\w*\b.{0,60}?\b(?:buy|"
    r"outperform|overweight|positive|strong buy|accumulate)\b|"
    r"\b(?:rais|lift|boost|hik|increas|up)\w*\b.{0,30}\b(?:price target|target|tgt|pt|"
    r"price objective)\b|\b(?:target|tgt|pt)(?: price)?\b.{0,12}\b(?:raised|boosted|hiked|upped|"
    r"increased|lifted)\b|"
    r"\badd\w+ .{0,30}\b(?:list|pick)\b|\btop pick\b|\bbullish\b"
)


def of_numbers(text: str) -> Direction:
    """Of results and outlooks: an outlook cut outweighs a quarter beaten; one beaten and one missed cancel out."""
    if _CUTS.search(text):
        return Direction.NONE if _RAISES.search(text) else Direction.DOWN
    beaten, missed = _counted(text)
    beats, misses = len(_BEAT.findall(text)) + beaten, len(_MISS.findall(text)) + missed
    if beats or misses:
        return Direction.UP if not misses else Direction.DOWN if not beats else Direction.NONE
    if _RAISES.search(text):
        return Direction.UP
    if _LOSS.search(text) and not _LESS.search(text):
        return Direction.DOWN
    return _one_of(_GROWS.search(text) is not None, _SHRINKS.search(text) is not None)


def of_analysts(text: str) -> Direction:
    """A downgrade outweighs the price target that goes up with it."""
    return _one_of(_UPGRADED.search(text) is not None, _DOWNGRADED.search(text) is not None, both=Direction.DOWN)


def _one_of(up: bool, down: bool, both: Direction = Direction.NONE) -> Direction:
    return both if up and down else Direction.UP if up else Direction.DOWN if down else Direction.NONE


def _counted(text: str) -> tuple[int, int]:
    """How many figures stand above and below the one they are compared with: `EPS 10c, consensus 14c`."""
    beaten = missed = 0
    for found in _AGAINST.finditer(text):
        what, *figures = found.groups()
        got, wanted = _range(figures[:6]), _range(figures[6:])
        if what == "loss":
            got, wanted = [-abs(value) for value in got], [-abs(value) for value in wanted]
        expected = sum(wanted) / len(wanted)
        beaten += min(got) > expected
        missed += max(got) < expected
    return beaten, missed


def _range(parts: Sequence[str | None]) -> list[float]:
    """One figure or the two ends of a range, of which the second may tell the unit of both: `$2.6-2.8 bln`."""
    (sign, digits, unit), (last_sign, last_digits, last_unit) = parts[:3], parts[3:]
    if not last_digits:
        return [_value(sign, digits, unit)]
    return [_value(sign, digits, unit or last_unit), _value(last_sign, last_digits, last_unit)]


def _value(sign: str | None, digits: str | None, unit: str | None) -> float:
    try:
        value = float((digits or "").rstrip(".,").replace(",", "")) * _SCALE.get(unit or "", 1.0)
    except ValueError:  # 1.2.3
        return float("nan")
    return -value if sign and sign != "$" else value
