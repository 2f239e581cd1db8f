"""Judges one news item at one decision time: features, rules, the decision and its journal row; for DetectionEngine."""

import time
from dataclasses import dataclass, replace
from datetime import datetime

from momentum_kit.config import Thresholds
from momentum_kit.detection.live import Gates, apply_rules, compute_features, skip_reason
from momentum_kit.models import Beat, Decision, DecisionRow, Features, NewsItem, Quote, RuleVerdict, Skip, TradeSignal
from momentum_kit.ports import Journal
from momentum_kit.services.detection.watch_list import Followed, Watch


@dataclass(slots=True, kw_only=True)
class Job:
    """Work for one worker: judge `followed` at `at`; the worker fills in the rest (wall milliseconds)."""

    watch: Watch
    followed: Followed
    at: datetime
    beat: Beat
    decision: Decision | None = None
    features_ms: float = 0.0
    rules_ms: float = 0.0

    @property
    def key(self) -> tuple[datetime, int, str]:
        """Order in which decisions take effect, whichever worker came first."""
        return (self.at, self.watch.contract.con_id, self.followed.item.item_id)


def judge(job: Job, thresholds: Thresholds, gates: Gates) -> None:
    """Decide a job from what its watch knows; changes nothing but the job."""
    watch, item, quote = job.watch, job.followed.item, job.watch.quote
    started = time.perf_counter()
    features: Features | None = None
    if watch.tape is not None:
        age_s = watch.quote_age_s(job.at)
        features = compute_features(job.at, watch.tape, watch.baseline, item, quote, age_s)
    measured = time.perf_counter()
    verdicts = apply_rules(features, thresholds) if features else ()
    refusal = skip_reason(item, features, verdicts, quote, thresholds, gates)
    job.decision = _decision(job, item, features, verdicts, quote, refusal)
    job.features_ms = (measured - started) * 1e3
    job.rules_ms = (time.perf_counter() - measured) * 1e3


def no_capacity(item: NewsItem, at: datetime, lines: int) -> Decision:
    """The final skip of an item that got, or kept, no market-data line."""
    return Decision(
        outcome=_skip(item, at, "no capacity", f"{lines} lines in use"), features=None, rules=(), final=True
    )


def final_skip(followed: Followed, at: datetime) -> Decision:
    """The end of an item without a signal: the reason that failed where it came closest."""
    closest = followed.closest
    if closest is None or not isinstance(closest.outcome, Skip):
        return Decision(
            outcome=_skip(followed.item, at, "no bars", "never judged"), features=None, rules=(), final=True
        )
    skip = closest.outcome
    detail = f"closest at {skip.decided_at:%H:%M:%S}" + (f": {skip.detail}" if skip.detail else "")
    return replace(closest, outcome=replace(skip, decided_at=at, detail=detail), final=True)


def write_decision(
    journal: Journal,
    item: NewsItem,
    decision: Decision,
    at: datetime,
    features_ms: float | None = None,
    rules_ms: float | None = None,
) -> None:
    """One row of the trace; `at` is the market time at which it was decided, the outcome's the bar close.

    features_ms, rules_ms: wall time of the work; None on a last word, which repeats a row already measured.
    """
    outcome = decision.outcome
    skip = outcome if isinstance(outcome, Skip) else None
    journal.write(
        DecisionRow(
            at=at,
            item_id=item.item_id,
            story_id=item.story_id,
            symbol=item.contract.symbol,
            con_id=item.contract.con_id,
            decided_at=outcome.decided_at,
            verdict="skip" if skip else "signal",
            reason=skip.reason if skip else "",
            detail=skip.detail if skip else "",
            final=int(decision.final),
            price=decision.features.price if decision.features else None,
            features=decision.features,
            rules=decision.rules,
            features_ms=features_ms,
            rules_ms=rules_ms,
        )
    )


def _decision(
    job: Job,
    item: NewsItem,
    features: Features | None,
    verdicts: tuple[RuleVerdict, ...],
    quote: Quote | None,
    refusal: tuple[str, str] | None,
) -> Decision:
    if refusal or features is None or quote is None:
        reason, detail = refusal or ("no bars", "")
        return Decision(outcome=_skip(item, job.at, reason, detail), features=features, rules=verdicts, final=False)
    signal = TradeSignal(
        item_id=item.item_id,
        story_id=item.story_id,
        contract=item.contract,
        catalyst=item.catalyst,
        decided_at=job.at,
        reference_price=quote.ask,
        atr=features.atr,
        features=features,
        deciding_ns=job.beat.received_ns,
    )
    return Decision(outcome=signal, features=features, rules=verdicts, final=True)


def _skip(item: NewsItem, at: datetime, reason: str, detail: str) -> Skip:
    return Skip(
        item_id=item.item_id,
        story_id=item.story_id,
        symbol=item.contract.symbol,
        decided_at=at,
        reason=reason,
        detail=detail,
    )
