"""One contract at a time, pure: tape, bars and baseline, features at a decision time, rules over them."""

from momentum_kit.detection.live.bars import BAR_S, BarBuilder, floor_time, merge, split_history
from momentum_kit.detection.live.baseline import ATR_BARS, BUCKET_MINUTES, K_RETURNS, Baseline, build_baseline
from momentum_kit.detection.live.features import LEAST_RETURNS_BNS, LULD_REFERENCE_S, ROUND_LOT, compute_features
from momentum_kit.detection.live.rules import RULES, Gates, apply_rules, skip_reason
from momentum_kit.detection.live.signal_rate import departs
from momentum_kit.detection.live.tape import Tape, within

__all__ = [
    "ATR_BARS",
    "BAR_S",
    "BUCKET_MINUTES",
    "K_RETURNS",
    "LEAST_RETURNS_BNS",
    "LULD_REFERENCE_S",
    "ROUND_LOT",
    "RULES",
    "BarBuilder",
    "Baseline",
    "Gates",
    "Tape",
    "apply_rules",
    "build_baseline",
    "compute_features",
    "departs",
    "floor_time",
    "merge",
    "skip_reason",
    "split_history",
    "within",
]
