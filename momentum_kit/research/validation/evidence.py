"""What is known about a candidate, as frozen values, and as the file between two commands.

Made by validation.py and judged by verdict.py beside this module. `validate`, which may open the seal only once, keeps
the evidence in evidence.json; `export` judges it again from there.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.json_text import parse_json
from momentum_kit.research.validation.bootstraps import Band, SpaTest
from momentum_kit.research.validation.overfitting import Pbo
from momentum_kit.research.validation.perturbations import Flip
from momentum_kit.research.validation.placebo import Placebo

UNKNOWN = Band(estimate=math.nan, low=math.nan, high=math.nan, p_value=math.nan, level=0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """The mean of days that were judged by thresholds chosen from other days: months, or folds of days.

    judged: months or folds; positive: those with a gain; idle: those for which nothing stood out, so nothing traded.
    """

    band: Band
    fills: int
    judged: int
    positive: int
    idle: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SharpeEvidence:
    """Of the candidate's daily results.

    dsr: at the trial count of the ledger, with the variance of the trials, as published. dsr_effective: at the number
    of different ideas among them, with the variance of luck alone, 1/(T-1): cells differ in costs and strictness as
    well, and that is no luck. least_days: after so many days a record like this proves a ratio above zero at 95%.
    """

    by_day: float
    psr: float
    dsr: float
    dsr_effective: float
    trials: int
    effective_trials: float
    least_days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRate:
    """Signals in the regular hours of one session: mean, its 95% band, variance over mean of the counts."""

    mean: float
    low: float
    high: float
    dispersion: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A look at sealed days of these data, by whomever and in whatever folder: on record for ever.

    net_bps, low_bps, high_bps: what its candidate netted there; nan where it was a replay, or nothing filled.
    standing: its days are still kept from every study, so that what it found is the last word on them.
    """

    at: str
    candidate: str
    code_version: str
    first_day: date
    last_day: date
    net_bps: float
    low_bps: float
    high_bps: float
    fills: int
    standing: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evidence:
    """What the verdict is made from; nan where it cannot be known.

    candidate: thresholds at the centre of the best plateau of all open days; None where no cell stands out.
    se_bps: standard error of a mean by days, of the candidate or of the median cell: what these data could have shown.
    openings: every look at sealed days of these data. rests_on: digest of each thing it was made from (study/basis.py).
    """

    candidate: Thresholds | None
    exit_rule: str
    first_day: date
    last_day: date
    days: int
    events: int
    signals: int
    fills: int
    cells: int
    in_sample: Band
    se_bps: float
    walk_forward: Unseen
    cross_validated: Unseen
    sharpe: SharpeEvidence
    pbo: Pbo
    spa: SpaTest
    gross_bps: float
    break_even: float
    rate: SignalRate
    stressed: Mapping[str, Band] = field(default_factory=dict)
    flips: tuple[Flip, ...] = ()
    placebo: Placebo | None = None
    sealed: Band | None = None
    sealed_fills: int = 0
    sealed_days: tuple[date, date] | None = None
    openings: tuple[Opening, ...] = ()
    marks: tuple[str, ...] = ()
    code_version: str = ""
    rests_on: Mapping[str, str] = field(default_factory=dict)


_ADAPTER = TypeAdapter(Evidence)


def save_evidence(file: Path, evidence: Evidence) -> None:
    """Write it as JSON; what cannot be known stands there as "nan"."""
    content = _words_for_numbers(_ADAPTER.dump_python(evidence, mode="json"))
    text = json.dumps({**content, "hash": _hash(content)}, indent=1, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")


def load_evidence(file: Path) -> Evidence:
    """What `save_evidence` wrote; ResearchError where there is none, or where it was changed since."""
    try:
        content = parse_json(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.pop("hash", None) != _hash(content):
            raise ResearchError(f"{file}: was changed after it was written: its hash does not hold; validate again")
        return _ADAPTER.validate_python(content)
    except FileNotFoundError:
        raise ResearchError(f"{file}: no verdict here; run: momentum-kit research validate") from None
    except (ValueError, ValidationError) as error:
        raise ResearchError(f"{file}: not evidence ({str(error).splitlines()[0]}); validate again") from None


def _hash(content: Mapping[str, Any]) -> str:
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return "sha256:" + hashlib.sha256(plain.encode()).hexdigest()


def _words_for_numbers(value: Any) -> Any:
    """JSON has no nan and no infinity."""
    if isinstance(value, dict):
        return {key: _words_for_numbers(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_words_for_numbers(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
