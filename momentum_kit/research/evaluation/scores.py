"""Scores: what a set of judged headlines comes to, as shares with intervals."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from momentum_kit.research.evaluation.judged import Judged
from momentum_kit.research.evaluation.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Shares of one set of headlines; each counts only those that carry the label it needs.

    ticker_precision: of the companies found. ticker_recall: of headlines with a listed subject, those whose subject
    was found. subject_accuracy: of those in which anything was found, those that are read to be mainly about it.
    false_matches: of headlines without a company, those in which one was found; false_per_1000: companies found in
    1,000 of them, nan without any.
    harmless_barred: of headlines about a company that harm nobody; the price of the bars.
    """

    ticker_precision: Share
    ticker_recall: Share
    subject_accuracy: Share
    false_matches: Share
    false_per_1000: float
    dilution_recall: Share
    dilution_precision: Share
    harmful_barred: Share
    harmless_barred: Share
    recaps_barred: Share
    ties_kept: Share
    ties_refused: Share

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> "Scores":
        """Count them."""
        named = [each for each in judged if each.label.tickers is not None]
        companies = [each for each in judged if each.label.tickers or each.label.tickers is None]
        subjects = [each for each in judged if each.label.subject]
        without = [each for each in named if not each.label.tickers]
        return cls(
            ticker_precision=Share(
                sum(len(each.found - each.false) for each in named), sum(len(each.found) for each in named)
            ),
            ticker_recall=Share.counted(each.label.subject in each.found for each in subjects),
            subject_accuracy=Share.counted(
                each.reading.subject == each.label.subject for each in subjects if each.found
            ),
            false_matches=Share.counted(bool(each.found) for each in without),
            false_per_1000=1_000 * sum(len(each.found) for each in without) / len(without) if without else math.nan,
            dilution_recall=Share.counted(each.dilution for each in judged if each.label.dilution),
            dilution_precision=Share.counted(
                each.label.dilution is True for each in companies if each.dilution and each.label.dilution is not None
            ),
            harmful_barred=Share.counted(each.barred for each in judged if each.label.bar),
            harmless_barred=Share.counted(each.barred for each in companies if each.label.bar is False),
            recaps_barred=Share.counted(each.barred for each in judged if each.label.late),
            ties_kept=Share.counted(each.own_kept for each in judged if each.own_kept is not None),
            ties_refused=Share.counted(each.other_refused for each in judged if each.other_refused is not None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundScore:
    """How well one thing is found: a catalyst among headlines about a company, or companies by one rule."""

    precision: Share
    recall: Share

    @property
    def f1(self) -> float:
        """Harmonic mean of both, 0 where nothing is right."""
        hits = self.recall.hits
        return 2 * hits / (self.precision.of + self.recall.of) if hits else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The score as `--json` prints it."""
        return {"precision": self.precision.as_dict(), "recall": self.recall.as_dict(), "f1": self.f1}


def catalyst_scores(judged: Iterable[Judged]) -> dict[str, FoundScore]:
    """By labelled catalyst, the most frequent first; headlines without a company are left out."""
    about = [each for each in judged if each.expected and (each.label.tickers or each.label.tickers is None)]
    hits = Counter(each.kind for each in about if each.kind == each.expected)
    read, right = Counter(each.kind for each in about), Counter(each.expected for each in about)
    return {
        name: FoundScore(precision=Share(hits[name], read[name]), recall=Share(hits[name], of))
        for name, of in right.most_common()
    }


def macro_f1(scores: dict[str, FoundScore]) -> float:
    """Mean F1 over the catalysts that the labels have, each counted once; nan without any."""
    return sum(score.f1 for score in scores.values()) / len(scores) if scores else math.nan


def by(judged: Iterable[Judged], key: Callable[[Judged], str]) -> dict[str, Scores]:
    """Scores of each group, the largest first."""
    groups: dict[str, list[Judged]] = {}
    for each in judged:
        groups.setdefault(key(each) or "unnamed", []).append(each)
    return {name: Scores.of(groups[name]) for name in sorted(groups, key=lambda name: (-len(groups[name]), name))}


def rule_scores(judged: Iterable[Judged]) -> dict[str, FoundScore]:
    """By the rule that found a company: of its matches those concerned, and of all companies those that it found."""
    named = [each for each in judged if each.label.tickers is not None]
    matches: dict[str, list[bool]] = {}
    for each in named:
        for mention in each.reading.mentions:
            matches.setdefault(mention.rule, []).append(mention.symbol not in each.false)
    companies = sum(len(each.label.tickers or ()) for each in named)
    return {
        rule: FoundScore(precision=Share.counted(matches[rule]), recall=Share(sum(matches[rule]), companies))
        for rule in sorted(matches)
    }


def catalyst_rule_precision(judged: Iterable[Judged]) -> dict[str, Share]:
    """By the rule that decided the catalyst, the most frequent first: of its headlines, those read rightly."""
    outcomes: dict[str, list[bool]] = {}
    for each in judged:
        if each.expected:
            outcomes.setdefault(each.reading.match.rule, []).append(each.kind == each.expected)
    return {rule: Share.counted(outcomes[rule]) for rule in sorted(outcomes, key=lambda rule: -len(outcomes[rule]))}
