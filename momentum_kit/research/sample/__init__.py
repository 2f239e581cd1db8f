"""Seeded markets of known truth, as archives."""

from momentum_kit.research.sample.market_sample import SAMPLE
from momentum_kit.research.sample.sample_archive import TRUTH, write_sample

__all__ = ["SAMPLE", "TRUTH", "write_sample"]
