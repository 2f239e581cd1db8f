"""Limits of the detection, as a person tunes them or as research exported them under a hash."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import Field, model_validator

from momentum_kit.config.base import Settings


class ThresholdsExport(Settings):
    """What research knew when it exported thresholds; part of the file, and under its hash."""

    exit_rule: str
    """Exit rule that the thresholds were judged with."""
    first_day: date
    """First day of the data they were chosen from..."""
    last_day: date
    """...and the last one; sealed days that were opened included."""
    code_version: str
    """Release and hash of the source that computed them."""
    trials: int
    """Configurations ever tried on these data."""
    dsr: float | None
    """Deflated Sharpe ratio at that number of trials; none where it cannot be known."""
    pbo: float | None
    """Probability of backtest overfitting; none where it cannot be known."""
    sealed_net_bps: float | None = None
    """What the sealed days netted when they were opened; none where they were not, or were for something else."""
    sealed_opened: int = 0
    """How often sealed days of these data had been opened, for whatever candidate."""
    verdict: Literal["accept", "refuse", "cannot tell"]
    """What the validation said."""
    despite: str = ""
    """Why a human exported them although the verdict was not to accept them."""
    signals_per_session: float = Field(ge=0)
    """Signals expected in the regular hours of one session..."""
    signals_per_session_low: float = Field(ge=0)
    """...the lower end of the 95% band of that mean..."""
    signals_per_session_high: float = Field(ge=0)
    """...and the upper end."""
    signals_dispersion: float = Field(ge=0)
    """Variance over mean of the signals by session: 1 for independent ones, more where news comes in waves."""
    marks: tuple[str, ...] = ()
    """What a reader of the validation had to be told."""
    judged: dict[str, int | float | str | bool | None] = Field(default_factory=dict)
    """Settings that it was judged with, by dotted name: exits, sizes, windows, reading, costs."""
    exported_on: date | None = None
    """Day in New York on which it was exported: sessions after it are its forward record."""
    archive: str = ""
    """Digest of the data it was judged on."""
    costs_as_of: date | None = None
    """Since when the costs hold that it was judged with."""
    hash: str
    """`sha256:` and the digest of everything else in the file; see `export_hash`."""


class Thresholds(Settings):
    """The tunable limits; config/thresholds/*.yaml. Defaults and their reasons: `momentum_kit.detection.live.rules`."""

    name: str = "default"
    """Name shown beside every decision."""
    min_price_usd: float = Field(default=1.0, ge=0, le=1e6)
    """Least price, USD."""
    max_price_usd: float = Field(default=20.0, gt=0, le=1e6)
    """Highest price, USD."""
    min_ret_60s: float = Field(default=0.03, ge=-1, le=1)
    """Least simple return over 60 s (0.03: 3%); this or min_ret_300s must hold."""
    min_ret_300s: float = Field(default=0.04, ge=-1, le=1)
    """Least simple return over 300 s."""
    min_ret_news: float = Field(default=0.0, ge=-1, le=1)
    """Least return since the anchor, the last price before the headline."""
    max_extension: float = Field(default=0.25, ge=0, le=10)
    """Largest return since the anchor: beyond it the move is chased."""
    min_z_tod: float = Field(default=4.4, ge=-100, le=1_000)
    """Least 60 s return over its usual size at this time of day."""
    min_rvol_bar: float = Field(default=5.0, ge=-1, le=1e4)
    """Least volume of the last 60 s over its usual."""
    min_rvol_cum: float = Field(default=2.0, ge=-1, le=1e4)
    """Least volume of the day so far over its usual."""
    min_dollar_volume_60s_usd: float = Field(default=100_000.0, ge=-1, le=1e9)
    """Least volume of the last 60 s, USD."""
    min_trades_60s: float = Field(default=30.0, ge=-1, le=1e6)
    """Least number of trades in the last 60 s."""
    max_spread_bps: float = Field(default=100.0, ge=0, le=10_000)
    """Widest spread, bps of the mid."""
    max_spread_share: float = Field(default=0.25, ge=0, le=100)
    """Widest spread as a share of the move since the anchor (0.25: a quarter of it)."""
    min_clv: float = Field(default=0.6, ge=-1, le=1)
    """Least close location in the 60 s range, 0..1."""
    barred_catalysts: tuple[str, ...] = (
        "offering", "pipe", "treasury_issue", "reverse_split", "delisting", "going_concern", "clinical_failure", "halt",
        "legal", "solicitation", "adverse", "recap", "roundup", "commentary", "ma_target",
    )  # fmt: skip
    """Catalysts on which no long is opened."""
    export: ThresholdsExport | None = None
    """Where the limits come from, if research exported them: then none can be changed without breaking the hash."""

    @model_validator(mode="after")
    def _consistent(self) -> "Thresholds":
        if self.min_price_usd > self.max_price_usd:
            raise ValueError("min_price_usd exceeds max_price_usd")
        if self.export and self.export.hash != export_hash(self.model_dump(mode="json", exclude_unset=True)):
            raise ValueError("changed since research exported them: the hash does not hold; export them again")
        return self


def export_hash(content: Mapping[str, Any]) -> str:
    """`sha256:<hex>` of an exported threshold file: of every key it gives, as JSON values, but the hash itself."""
    stamp = {key: value for key, value in content["export"].items() if key != "hash"}
    plain = json.dumps({**content, "export": stamp}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return "sha256:" + hashlib.sha256(plain.encode()).hexdigest()
