"""Evaluates the reading of headlines on labelled files: `momentum-kit research headlines --evaluate`.

The functions and the configuration are those of a live session: what is counted here is what would trade.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from momentum_kit.config import find_project, load_config
from momentum_kit.detection.news import SymbolMaster, read_headline, same_story
from momentum_kit.errors import InputError
from momentum_kit.research.evaluation.faults import Misreading, find_faults
from momentum_kit.research.evaluation.judged import Judged, judge
from momentum_kit.research.evaluation.labels import LabelledPair, load_labels
from momentum_kit.research.evaluation.scores import (
    FoundScore,
    Scores,
    by,
    catalyst_rule_precision,
    catalyst_scores,
    macro_f1,
    rule_scores,
)
from momentum_kit.research.evaluation.shares import Share
from momentum_kit.research.events import study_assumptions

_IB_TAPES = frozenset({"BRF", "BRFG", "BRFUPDN", "BZ", "DJ-N", "DJNL", "FLY", "MT"})  # and DJ-RTG, DJ-RTPRO, ...
_RULES_SHOWN = 12  # of the catalysts' many
_WORDS = {
    "ticker_precision": "companies found that are concerned",
    "ticker_recall": "subjects found",
    "subject_accuracy": "subject right where any was found",
    "false_matches": "of no company, but one was found",
    "dilution_recall": "dilutions seen",
    "dilution_precision": "seen dilutions that are",
    "harmful_barred": "harmful barred",
    "harmless_barred": "harmless barred",
    "recaps_barred": "recaps barred",
    "ties_kept": "own contract's feed believed",
    "ties_refused": "another contract's feed refused",
}


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Labelled headlines and pairs beside what was read in them; str() is the table, `summary` the numbers.

    joined: for each pair, whether it was taken for one story. listed: companies of the symbol master, 0 without one.
    shown: how many of the worst faults are told.
    """

    judged: Sequence[Judged]
    pairs: Sequence[LabelledPair]
    joined: Sequence[bool]
    listed: int
    shown: int

    @cached_property
    def scores(self) -> Scores:
        """Of all headlines."""
        return Scores.of(self.judged)

    @cached_property
    def own_tapes(self) -> list[Judged]:
        """Headlines of the tapes that IB itself carries."""
        return [each for each in self.judged if _of_ib(each.label.provider)]

    @cached_property
    def catalysts(self) -> dict[str, FoundScore]:
        """By labelled catalyst, of headlines about a company."""
        return catalyst_scores(self.judged)

    @cached_property
    def faults(self) -> list[Misreading]:
        """Everything read wrongly, the costliest first."""
        return find_faults(self.judged, self.pairs, self.joined)

    @property
    def distinct_kept(self) -> Share:
        """Of the pairs of different stories, those kept apart."""
        return Share.counted(not one for pair, one in zip(self.pairs, self.joined, strict=True) if not pair.same)

    @property
    def same_joined(self) -> Share:
        """Of the pairs of one story, those taken for one."""
        return Share.counted(one for pair, one in zip(self.pairs, self.joined, strict=True) if pair.same)

    @property
    def kept_by_difference(self) -> dict[str, Share]:
        """distinct_kept by what makes the stories differ."""
        kept: dict[str, list[bool]] = {}
        for pair, one in zip(self.pairs, self.joined, strict=True):
            if not pair.same:
                kept.setdefault(pair.why or "unnamed", []).append(not one)
        return {why: Share.counted(kept[why]) for why in sorted(kept)}

    def summary(self) -> dict[str, Any]:
        """All numbers; nan for what the labels do not carry."""
        return {
            **_values(self.judged),
            "distinct_kept": self.distinct_kept.value,
            "same_joined": self.same_joined.value,
            "headlines": len(self.judged),
            "pairs": len(self.pairs),
            "listed": self.listed,
            "intervals": _shares(self.scores)
            | _numbers({"distinct_kept": self.distinct_kept, "same_joined": self.same_joined}),
            "own_tapes": _values(self.own_tapes) | {"headlines": len(self.own_tapes)},
            "by_provider": {name: _shares(scores) for name, scores in by(self.judged, _provider).items()},
            "by_source": {name: _shares(scores) for name, scores in by(self.judged, _source).items()},
            "by_rule": {name: score.as_dict() for name, score in rule_scores(self.judged).items()},
            "by_catalyst": {name: score.as_dict() for name, score in self.catalysts.items()},
            "by_catalyst_rule": _numbers(catalyst_rule_precision(self.judged)),
            "by_difference": _numbers(self.kept_by_difference),
            "faults": len(self.faults),
            "worst": [asdict(fault) for fault in self.faults[: self.shown]],
        }

    def __str__(self) -> str:
        lines = [
            f"{len(self.judged):,} headlines, {len(self.pairs):,} pairs; symbol master of {self.listed:,}"
            + ("" if self.listed else ": none, so companies are found by their tickers alone"),
            "",
            *_table("all", self.judged),
            f"  {'false matches in 1,000 of no company':36} {_number(self.scores.false_per_1000)}",
            f"  {'different stories kept apart':36} {self.distinct_kept}",
            f"  {'one story in other words joined':36} {self.same_joined}",
            "",
            *_table("IB's own tapes", self.own_tapes),
            "",
            "companies by rule: precision; recall",
            *(f"  {name:18} {s.precision} {s.recall}" for name, s in rule_scores(self.judged).items()),
            "",
            *_groups("provider", by(self.judged, _provider)),
            "",
            *_groups("source", by(self.judged, _source)),
            "",
            f"by catalyst: precision; recall; F1 (mean {_number(macro_f1(self.catalysts))})",
            *(f"  {name:18} {s.precision} {s.recall} {s.f1:6.3f}" for name, s in self.catalysts.items()),
            "",
            "catalysts by rule: right, of the most frequent rules",
            *(
                f"  {rule:36} {share}"
                for rule, share in list(catalyst_rule_precision(self.judged).items())[:_RULES_SHOWN]
            ),
        ]
        if self.pairs:
            lines += ["", "different stories kept apart, by what differs"]
            lines += [f"  {why:36} {share}" for why, share in self.kept_by_difference.items()]
        if self.shown and self.faults:
            lines += ["", f"the worst {min(self.shown, len(self.faults))} of {len(self.faults)} faults"]
            lines += [str(fault) for fault in self.faults[: self.shown]]
        return "\n".join(lines)


def evaluate_headlines(
    file: Path,
    pairs: Path | None = None,
    *,
    config: Path,
    symbols: Path | None = None,
    seed: int = 1,
    shown: int = 20,
) -> Evaluation:
    """Read a labelled file, and a file of pairs, as a session of this configuration would, and count.

    symbols: a master instead of the configuration's. seed: of the draw of other companies' feeds. shown: how many
    faults are told. Raises InputError for a file without labels, or with wrong ones and then with the row.
    """
    overrides = {"news.symbol_master": str(symbols.resolve())} if symbols else None
    session = load_config(config, overrides)
    master = study_assumptions(session, find_project()).master
    headlines, own_pairs = load_labels(file)
    more_headlines, more_pairs = load_labels(pairs) if pairs else ([], [])
    if more_headlines:
        raise InputError(f"{pairs}: holds headlines; expected pairs, with a, b and same")
    both = own_pairs + more_pairs
    return Evaluation(
        judged=judge(headlines, session, master, seed),
        pairs=both,
        joined=[_one_story(pair, master) for pair in both],
        listed=len(master) if master else 0,
        shown=shown,
    )


def _one_story(pair: LabelledPair, master: SymbolMaster | None) -> bool:
    return same_story(read_headline(pair.a, master=master), read_headline(pair.b, master=master))


def _of_ib(provider: str) -> bool:
    return provider in _IB_TAPES or provider.startswith("DJ-RT")


def _provider(judged: Judged) -> str:
    return judged.label.provider


def _source(judged: Judged) -> str:
    return judged.label.source


def _numbers(shares: Mapping[str, Share]) -> dict[str, dict[str, float]]:
    """The shares of anything at all, with their intervals."""
    return {name: share.as_dict() for name, share in shares.items() if share.of}


def _shares(scores: Scores) -> dict[str, dict[str, float]]:
    return _numbers({name: getattr(scores, name) for name in _WORDS})


def _values(judged: Sequence[Judged]) -> dict[str, float]:
    scores = Scores.of(judged)
    shares = {name: getattr(scores, name).value for name in _WORDS}
    return shares | {"false_per_1000": scores.false_per_1000, "catalyst_macro_f1": macro_f1(catalyst_scores(judged))}


def _table(title: str, judged: Sequence[Judged]) -> list[str]:
    scores = Scores.of(judged)
    head = f"{f'{title}: {len(judged):,} headlines':38} share  95% interval           of"
    return [head, *(f"  {words:36} {getattr(scores, name)}" for name, words in _WORDS.items())]


def _groups(what: str, groups: Mapping[str, Scores]) -> list[str]:
    return [
        f"by {what}: precision of the companies; subjects found; harmful barred",
        *(f"  {name[:36]:36} {s.ticker_precision} {s.ticker_recall} {s.harmful_barred}" for name, s in groups.items()),
    ]


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"
