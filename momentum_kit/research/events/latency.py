"""When a headline would have been received whose reception nobody recorded: drawn from measured provider latency."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from momentum_kit.errors import ResearchError
from momentum_kit.models import Headline, HeadlinePhase

ANY = ""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from publication to reception by provider; the key "" stands for those without samples of their own.

    A draw depends on the seed and the headline alone, so that no other headline changes it.
    """

    samples_s: Mapping[str, Sequence[float]]
    seed: int = 0

    def __post_init__(self) -> None:
        for provider, samples in self.samples_s.items():
            if not len(samples) or not np.isfinite(samples).all():
                raise ResearchError(
                    f"latency of {provider or 'any provider'}: give at least one finite number of seconds"
                )

    @classmethod
    def measured(cls, headlines: Iterable[Headline], seed: int = 0) -> "Latency":
        """From headlines that were heard live; ResearchError where there is none."""
        samples: dict[str, list[float]] = {}
        for line in headlines:
            if line.received_at is not None and line.phase is HeadlinePhase.LIVE:
                latency_s = (line.received_at - line.published_at).total_seconds()
                for key in (line.provider, ANY):
                    samples.setdefault(key, []).append(latency_s)
        if not samples:
            raise ResearchError("latency: no headline was heard live; record a session, or give the seconds yourself")
        return cls(samples, seed)

    def received_at(self, headline: Headline) -> datetime:
        """A reception time of this headline; ResearchError for a provider without samples."""
        samples = self.samples_s.get(headline.provider) or self.samples_s.get(ANY)
        if not samples:
            raise ResearchError(f"latency: no samples of {headline.provider}; give them, or some for any provider")
        symbol = headline.contract.symbol if headline.contract else ""
        key = f"{self.seed}|{headline.provider}|{headline.article_id}|{symbol}|{headline.published_at.isoformat()}"
        share = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big") / 2**56
        return headline.published_at + timedelta(seconds=float(np.quantile(samples, share)))
