"""Accept, refuse or cannot tell: cut-offs that were fixed before any data were seen, and one line for each of them."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scipy import stats

from momentum_kit.config import Thresholds
from momentum_kit.research.validation.evidence import Evidence

Word = Literal["accept", "refuse", "cannot tell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """What a candidate must show; all of it, or it is not accepted.

    Calibrated on 5,000 events of a generated market whose outcomes were dealt out anew (175 cells, 200 open days). Of
    831 worlds in which every signal nets exactly nothing, the hardest null, 0.8% were accepted, and 0.5% once the
    sealed days were opened; of worlds with a planted edge of 10 and 20 bps net, 61 and 99%.
    tests/unit/research/validation/test_verdict_calibration.py repeats it in small.
    PBO is shown and not asked for: it punishes plateaus; its share of losing halves is.
    """

    least_fills: int = 30
    """Filled signals of the candidate..."""
    least_days: int = 40
    """...and days with events, below which nothing is judged."""
    max_spa_p: float = 0.04
    """Chance of such a best cell if no cell had an edge (SPA)."""
    max_unseen_p: float = 0.10
    """Chance of such a mean on folds of days it was not chosen from, if there were no edge (bootstrap by days)..."""
    max_walk_forward_p: float = 0.30
    """...and on months that came after the days it was chosen from: fewer days, so that less can be asked."""
    least_dsr: float = 0.80
    """Deflated Sharpe ratio at the number of different ideas that were tried."""
    max_losing_halves: float = 0.35
    """Share of CSCV halves whose best cell loses in the other half."""
    least_break_even: float = 1.2
    """Multiple of the assumed costs that the candidate must survive."""
    worth_bps: float = 20.0
    """The net edge that would be worth having: data that could not have shown it cannot tell."""
    least_power: float = 0.5
    """Chance of having seen that edge, below which a failure to see it says nothing."""


CUTOFFS = Cutoffs()
TOO_FEW = "too few days, fills or cells to tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question of the verdict. passed: None where it could not be asked; unknown: why not.

    score: how far from the cut-off the answer lies: 0 at it, 1 and more clearly within, -1 and less clearly beyond.
    """

    question: str
    found: str
    wanted: str
    passed: bool | None
    score: float = math.nan
    unknown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The word, why in one sentence, and every check. power: chance that these data would have shown worth_bps."""

    word: Word
    why: str
    checks: tuple[Check, ...]
    power: float
    cutoffs: Cutoffs = CUTOFFS


def judge(evidence: Evidence, cutoffs: Cutoffs = CUTOFFS) -> Verdict:
    """Hold the evidence against the cut-offs. Without the sealed days the word is that before the seal."""
    enough = _enough(evidence, cutoffs)
    checks = (*enough, *_checks(evidence, cutoffs))
    power = chance_to_see(cutoffs.worth_bps, evidence.se_bps)
    failed = [check for check in checks if check.passed is False]
    if short := [check for check in enough if check.passed is False]:
        why = f"too little data: {short[0].question.lower()} {short[0].found}, {short[0].wanted} needed"
        return Verdict(word="cannot tell", why=why, checks=checks, power=power, cutoffs=cutoffs)
    if not failed and any(mark.startswith("IMPUTED") for mark in evidence.marks):
        why = "the times at which headlines were received are guesses (IMPUTED); record some, then ask again"
        return Verdict(word="cannot tell", why=why, checks=checks, power=power, cutoffs=cutoffs)
    if not failed and all(check.passed for check in checks):
        return Verdict(
            word="accept",
            why="every question was answered as it had to be",
            checks=checks,
            power=power,
            cutoffs=cutoffs,
        )
    unknown = next((check for check in checks if check.passed is None), None)
    if not failed and unknown:
        why = f"not known: {unknown.question.lower()}"
        return Verdict(word="cannot tell", why=why, checks=checks, power=power, cutoffs=cutoffs)
    first = failed[0]
    why = f"{first.question.lower()}: {first.found}, wanted {first.wanted}"
    if not power >= cutoffs.least_power:
        chance = f"{power:.0%}" if math.isfinite(power) else "no"
        why = f"{why}; but these data had {chance} chance to show an edge of {cutoffs.worth_bps:g} bps"
        return Verdict(word="cannot tell", why=why, checks=checks, power=power, cutoffs=cutoffs)
    return Verdict(word="refuse", why=why, checks=checks, power=power, cutoffs=cutoffs)


def candidate_hash(thresholds: Thresholds, exit_rule: str) -> str:
    """Names one candidate in the record of the seal."""
    content = thresholds.model_dump_json(exclude={"name", "export"}) + exit_rule
    return "sha256:" + hashlib.sha256(content.encode()).hexdigest()


def chance_to_see(edge_bps: float, se_bps: float, size: float = 0.05) -> float:
    """Chance that a one-sided test of a mean with this standard error shows such an edge; nan where it is not known."""
    if not se_bps > 0:
        return math.nan
    return float(stats.norm.sf(stats.norm.isf(size) - edge_bps / se_bps))


def _enough(e: Evidence, c: Cutoffs) -> tuple[Check, ...]:
    return (
        Check(
            question="Days with events",
            found=f"{e.days}",
            wanted=f"at least {c.least_days}",
            passed=e.days >= c.least_days,
            score=e.days / c.least_days - 1,
        ),
        Check(
            question="Filled signals",
            found=f"{e.fills}",
            wanted=f"at least {c.least_fills}",
            passed=e.fills >= c.least_fills,
            score=e.fills / c.least_fills - 1,
        ),
    )


def _checks(e: Evidence, c: Cutoffs) -> tuple[Check, ...]:
    forward, sealed = e.walk_forward.band, e.sealed
    stands_out = e.candidate is not None
    return (
        Check(
            question="Does any plateau of cells stand out?",
            found="yes" if stands_out else "no",
            wanted="yes",
            passed=stands_out,
            score=1.0 if stands_out else -1.0,
        ),
        _at_least("How often can all costs rise?", e.break_even, c.least_break_even, "x costs", clear=3.0),
        _at_most("Could luck over all cells do this (SPA)?", e.spa.p_value, c.max_spa_p),
        _at_most("Could luck do it on days it was not chosen from?", e.cross_validated.band.p_value, c.max_unseen_p),
        _at_most("Could luck do it walking forward by months?", forward.p_value, c.max_walk_forward_p),
        _at_least("Is it better than the best of so many tries (DSR)?", e.sharpe.dsr_effective, c.least_dsr, clear=1.0),
        _at_most("How often does the best of one half lose in the other?", e.pbo.loss, c.max_losing_halves),
        *(_stress(name, band.estimate) for name, band in e.stressed.items() if name.startswith("latency")),
        *((_sealed(sealed.estimate),) if sealed else ()),
        *_looked_at(e),
    )


def _looked_at(e: Evidence) -> Iterator[Check]:
    """Sealed days that were opened for something else: they are no proof of this candidate, and may be one against."""
    own = candidate_hash(e.candidate, e.exit_rule) if e.candidate else ""
    for opening in e.openings:
        if not opening.standing or (opening.candidate == own and e.sealed):
            continue
        known = math.isfinite(opening.net_bps)
        net = f"{opening.net_bps:+.1f} bps" if known else "no result"
        yield Check(
            question=f"Are the sealed days unseen, or did what they were opened for on {opening.at[:10]} earn money?",
            found=f"opened for another: {net}" if opening.candidate != own else f"opened: {net}",
            wanted="unseen",
            passed=False if known and opening.net_bps <= 0 else None,
            score=opening.net_bps / CUTOFFS.worth_bps,
            unknown="opened for another: not unseen",
        )


def _stress(name: str, bps: float) -> Check:
    return Check(
        question=f"Does it survive {name}?",
        found=f"{bps:+.1f} bps",
        wanted="above 0 bps",
        passed=bps > 0 if math.isfinite(bps) else None,
        score=bps / CUTOFFS.worth_bps,
        unknown="nothing filled",
    )


def _sealed(bps: float) -> Check:
    found = f"{bps:+.1f} bps" if math.isfinite(bps) else "no fill"
    return Check(question="Did it earn money on the sealed days?", found=found, wanted="above 0 bps", passed=bps > 0,
                 score=bps / CUTOFFS.worth_bps if math.isfinite(bps) else -1.0)  # fmt: skip


def _at_least(question: str, value: float, limit: float, unit: str = "", *, clear: float) -> Check:
    """clear: the value that is clearly enough."""
    known = math.isfinite(value)
    found = f"{value:.2f} {unit}".strip() if known else "not known"
    return Check(
        question=question,
        found=found,
        wanted=f"at least {limit:g} {unit}".strip(),
        passed=value >= limit if known else None,
        score=(value - limit) / (clear - limit if value >= limit else limit),
        unknown=TOO_FEW,
    )


def _at_most(question: str, value: float, limit: float) -> Check:
    known = math.isfinite(value)
    return Check(
        question=question,
        found=f"{value:.3f}" if known else "not known",
        wanted=f"at most {limit:g}",
        passed=value <= limit if known else None,
        score=(limit - value) / (limit if value <= limit else 1 - limit),
        unknown=TOO_FEW,
    )
