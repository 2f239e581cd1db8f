"""Writes the verdict page: what is known, how sure, what it would cost to be wrong, what the data cannot tell."""

import math
from collections.abc import Sequence

from momentum_kit.pages import Block, RenderedTable
from momentum_kit.research.study.verdict_picture import in_words, verdict_svg
from momentum_kit.research.validation import NOTHING_SEALED, Band, Evidence, Opening, Verdict, events_needed

PICTURE = "verdict.svg"  # beside the page in Markdown
ANSWERS = {True: "yes", False: "NO", None: "not known"}
SESSIONS_A_MONTH = 21
SEEN_SE = 1.96 + 0.84  # standard errors of an edge that a two-sided 5% test sees in four of five samples
LOUD = ("IMPUTED", "SURVIVORSHIP")

_MEANING = {
    "IMPUTED": "nobody recorded when these headlines were received; their delays are assumptions",
    "SURVIVORSHIP": "companies that are gone are missing; they would have made the result worse",
    "BARS 60 s": "decisions were made on closed minutes, up to 60 s later than live",
    "NO QUOTES": "spreads are assumed, not recorded",
    "NO TRADE COUNTS": "trades per minute are not known, so that nothing passes the rule that asks for them",
    "NO WAP": "volume-weighted prices are missing, so that nothing passes the rule that asks for dollar volume",
    NOTHING_SEALED: "no days were kept back, so that nothing can confirm a candidate",
}


def markdown(verdict: Verdict, evidence: Evidence, notional_usd: float = 10_000.0) -> str:
    """The page as Markdown. notional_usd: size of one position, for what an error would cost."""
    return "\n\n".join(block.markdown() for block in page(verdict, evidence, notional_usd)) + "\n"


def to_html(verdict: Verdict, evidence: Evidence, notional_usd: float = 10_000.0) -> str:
    """The page as one HTML file that needs nothing else."""
    body = "\n".join(block.html() for block in page(verdict, evidence, notional_usd))
    return f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Verdict: {verdict.word}</title>\n' \
           f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"  # fmt: skip


def page(verdict: Verdict, evidence: Evidence, notional_usd: float) -> list[Block]:
    """The blocks of the page, in order: the word, loud marks, costs and latency, and then everything else."""
    return [
        Block("title", f"Verdict: {verdict.word}"),
        Block("text", f"{verdict.why[:1].upper()}{verdict.why[1:]}."),
        *(_mark(mark) for mark in sorted(evidence.marks, key=_loudness)),
        Block("picture", in_words(verdict), picture=verdict_svg(verdict, evidence), file=PICTURE),
        Block("text", _before_the_seal(evidence)),
        *_openings(evidence),
        Block("heading", "After costs, and when slower"),
        _table("Net of all costs", "", rows=_costs(evidence)),
        Block("heading", "What was asked, and what came out"),
        _table("Question", "Found", "Wanted", "", rows=_check_rows(verdict)),
        Block("heading", "How sure"),
        Block("text", _how_sure(evidence)),
        Block("heading", "What it would cost to be wrong"),
        Block("text", _cost_of_error(verdict, evidence, notional_usd)),
        Block("heading", "What these data cannot tell"),
        Block("text", _cannot_tell(verdict, evidence)),
        *_fragility(evidence),
        Block("heading", "The candidate"),
        *_candidate(evidence),
    ]


def _table(*heads: str, rows: Sequence[Sequence[str]]) -> Block:
    return Block("table", table=RenderedTable(heads, rows))


def _loudness(mark: str) -> int:
    return next((place for place, name in enumerate(LOUD) if mark.startswith(name)), len(LOUD))


def _mark(mark: str) -> Block:
    meaning = next((words for name, words in _MEANING.items() if mark.startswith(name)), "")
    return Block("warning", f"{mark}: {meaning}" if meaning else mark)


def _before_the_seal(e: Evidence) -> str:
    if e.sealed and e.sealed_days:
        first, last = e.sealed_days
        return (
            f"The sealed days {first} to {last} were opened for this candidate: {_band(e.sealed)} over "
            f"{e.sealed_fills} fills. They cannot be opened again."
        )
    if any(opening.standing for opening in e.openings):
        return "The sealed days were opened for something else: nothing that nobody has seen can confirm a candidate."
    if NOTHING_SEALED in e.marks:
        return "This is a first look, and not the last word: a verdict that counts needs days that nobody has seen."
    return "The sealed days have not been opened: this is the verdict before the seal, and not the last word."


def _openings(e: Evidence) -> list[Block]:
    """Every look at sealed days of these data, in whatever folder: it stands on every later page."""
    if not e.openings:
        return []
    rows = []
    for each in e.openings:
        known = math.isfinite(each.net_bps)
        net = _band(_found(each)) if known else "no result"
        days = f"{each.first_day} to {each.last_day}"
        rows.append((each.at[:16].replace("T", " "), days, each.candidate[:19], net, f"{each.fills}"))
    heads = ("Opened at (UTC)", "sealed days", "for", "netted", "fills")
    return [Block("heading", "What was opened before"), _table(*heads, rows=rows)]


def _found(opening: Opening) -> Band:
    return Band(
        estimate=opening.net_bps, low=opening.low_bps, high=opening.high_bps, p_value=math.nan, level=0.95
    )  # fmt: skip


def _costs(e: Evidence) -> list[tuple[str, str]]:
    rows = [
        ("mean per fill, days it was chosen from (selected)", _band(e.in_sample)),
        ("mean per fill, folds of days it was not chosen from", _band(e.cross_validated.band)),
        ("mean per fill, walking forward by months", _band(e.walk_forward.band)),
        *((f"mean per fill, {name}", _band(band)) for name, band in e.stressed.items()),
        ("costs may rise to", _times(e.break_even)),
    ]
    if math.isfinite(e.gross_bps):
        rows.append(("before costs (never earned)", f"{e.gross_bps:+.1f} bps"))
    return rows


def _check_rows(verdict: Verdict) -> list[tuple[str, str, str, str]]:
    return [(check.question, check.found, check.wanted, ANSWERS[check.passed]) for check in verdict.checks]


def _how_sure(e: Evidence) -> str:
    s, forward = e.sharpe, e.walk_forward
    counted = (
        f"{e.fills} filled of {e.signals} signals, from {e.events} events on {e.days} days ({e.first_day} to "
        f"{e.last_day}). {s.trials} configurations were tried on these data"
    )
    if not math.isfinite(s.effective_trials):
        return f"Not at all. {counted}, and none of them has enough fills for any statistic."
    return (
        f"{counted}, about {_number(s.effective_trials)} different ideas. "
        f"The best of so many looks good without any skill; the probability of being better than "
        f"that (DSR) is {_percent(s.dsr_effective)} by ideas and {_percent(s.dsr)} by the raw count, "
        f"which takes cells that lose their costs for bad luck. "
        f"Walk-forward: {forward.positive} of {forward.judged} months gained, in {forward.idle} nothing stood out. "
        f"Overfitting (PBO, about 50% without any edge, high for plateaus too): {_percent(e.pbo.probability)}; "
        f"the best of one half of the days loses in the other half in {_percent(e.pbo.loss)} of all splits. "
        f"White's Reality Check: {_number(e.spa.p_white, 3)}. Daily Sharpe ratio {_number(s.by_day, 3)}; "
        f"a record like this proves itself after {_number(s.least_days)} days, and there are {e.days}."
    )


def _cost_of_error(verdict: Verdict, e: Evidence, notional_usd: float) -> str:
    a_month = e.rate.mean * SESSIONS_A_MONTH
    cost = e.gross_bps - e.in_sample.estimate
    if e.candidate is None or not math.isfinite(cost):
        return "Nothing stands out that could be traded, so that no error can be priced: trading it costs the costs."
    lost = a_month * cost / 1e4 * notional_usd
    estimate = e.cross_validated.band.estimate
    missed = a_month * (estimate if math.isfinite(estimate) else e.in_sample.estimate) / 1e4 * notional_usd
    low = a_month * e.in_sample.low / 1e4 * notional_usd
    worst = f"; at the lower end of the band it is {low:,.0f} USD" if math.isfinite(low) else ""
    return (
        f"About {_number(a_month)} signals a month at {notional_usd:,.0f} USD each. Trading it although there is "
        f"no edge costs the costs, about {lost:,.0f} USD a month{worst}. "
        f"Not trading it although the unseen days are right misses about {missed:,.0f} USD a month. "
        f"The word here is {verdict.word}."
    )


def _cannot_tell(verdict: Verdict, e: Evidence) -> str:
    c = verdict.cutoffs
    if not math.isfinite(e.se_bps):
        return (
            f"Whether anything here pays: the most active of {e.cells} cells has {e.fills} fills, and a verdict takes "
            f"{c.least_fills} fills on {c.least_days} days with events. There are {e.days} days, with {e.events} "
            "events. They can tell what the rules see in each headline and what the tape did around it (momentum-kit "
            "research study), and what a round trip would have cost; not whether it was more than luck. More days or "
            "more symbols are needed."
        )
    sigma = e.se_bps * math.sqrt(max(e.fills, 1))
    needed = events_needed(c.worth_bps, sigma)
    text = (
        f"The mean of these fills is known to {e.se_bps:.1f} bps (one standard error, by days). An edge below "
        f"{SEEN_SE * e.se_bps:.0f} bps would have been missed more often than in one of five samples; the chance "
        f"to see {c.worth_bps:g} bps was {verdict.power:.0%}. It takes about {needed} fills to see it in four of five"
    )
    sessions = (needed - e.fills) / e.rate.mean if e.rate.mean > 0 else math.nan
    text += f": {_number(sessions)} more sessions." if needed > e.fills and math.isfinite(sessions) else "."
    return (
        f"{text} No number here knows of a change of regime, of our own orders moving the price beyond the impact "
        "that is assumed, or of headlines that a provider will deliver later than it did."
    )


def _fragility(e: Evidence) -> list[Block]:
    blocks = []
    if e.flips:
        rows = [(f.change, str(f.signals), str(f.lost), str(f.gained), f"{f.share:.1%}") for f in e.flips]
        heads = ("Change", "signals", "lost", "gained", "share that flips")
        blocks += [Block("heading", "Would it have flipped?"), _table(*heads, rows=rows)]
    if e.placebo:
        p = e.placebo
        known = [value for value in p.placebo_bps if math.isfinite(value)]
        spread = f"from {min(known):+.1f} to {max(known):+.1f} bps" if known else "without a single fill"
        text = (
            f"Real headlines: {p.real_bps:+.1f} bps over {p.real_signals} signals. "
            f"{len(p.placebo_bps)} placebo studies: {spread}; {_percent(p.p_value)} of all did at least as well."
        )
        blocks += [Block("heading", "Placebo headlines"), Block("text", text)]
    return blocks


def _candidate(e: Evidence) -> list[Block]:
    if e.candidate is None:
        return [Block("text", "None: no cell stands out among its neighbours.")]
    values = e.candidate.model_dump(exclude={"export", "barred_catalysts", "name"})
    rate = e.rate
    band = f" ({_number(rate.low, 2)} to {_number(rate.high, 2)})" if math.isfinite(rate.low) else ""
    return [
        _table("Threshold", "Value", rows=[(name, f"{value:g}") for name, value in values.items()]),
        Block(
            "text",
            f"Exit rule {e.exit_rule}. Expected signals in a session's regular hours: {_number(rate.mean, 2)}{band}. "
            f"Code {e.code_version}.",
        ),
    ]


def _band(band: Band) -> str:
    if not math.isfinite(band.estimate):
        return "not known"
    if not math.isfinite(band.low):
        return f"{band.estimate:+.1f} bps (too few days for a band)"
    return f"{band.estimate:+.1f} bps ({band.level:.0%}: {band.low:+.1f} to {band.high:+.1f})"


def _times(value: float) -> str:
    return f"{value:.2f} times what is assumed before nothing is left" if math.isfinite(value) else "not known"


def _percent(value: float) -> str:
    return f"{value:.0%}" if math.isfinite(value) else "not known"


def _number(value: float, digits: int = 0) -> str:
    if math.isnan(value):
        return "not known"
    return f"{value:,.{digits}f}" if math.isfinite(value) else "never"


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "h1{font-size:1.8rem}h2{font-size:1.15rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd}"
    ".warning{background:#fff3cd;border-left:.4rem solid #b45309;padding:.6rem .8rem;font-weight:600}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}th,td{border-color:#444}"
    ".warning{background:#3a2f0b}}"
)
