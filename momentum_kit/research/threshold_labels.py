"""Thresholds in words, with the units that people read, for every picture, page and dial of research."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThresholdLabel:
    """A threshold for people: words, unit, and what its value is multiplied by for that unit."""

    words: str
    unit: str = ""
    scale: float = 1.0

    @property
    def text(self) -> str:
        """Words and unit."""
        return f"{self.words}, {self.unit}" if self.unit else self.words

    def value(self, value: float) -> str:
        """A value in the unit, as short as it is exact to four digits."""
        return f"{value * self.scale:,.4g}"


LABELS = {
    "min_price_usd": ThresholdLabel("least price", "USD"),
    "max_price_usd": ThresholdLabel("highest price", "USD"),
    "min_ret_60s": ThresholdLabel("least return over 60 s", "%", 100),
    "min_ret_300s": ThresholdLabel("least return over 300 s", "%", 100),
    "min_ret_news": ThresholdLabel("least return since the headline", "%", 100),
    "max_extension": ThresholdLabel("most return since the headline", "%", 100),
    "min_z_tod": ThresholdLabel("least z for the time of day"),
    "min_rvol_bar": ThresholdLabel("least volume of 60 s over its usual", "x"),
    "min_rvol_cum": ThresholdLabel("least volume of the day over its usual", "x"),
    "min_dollar_volume_60s_usd": ThresholdLabel("least dollar volume of 60 s", "kUSD", 1e-3),
    "min_trades_60s": ThresholdLabel("least trades in 60 s"),
    "max_spread_bps": ThresholdLabel("widest spread", "bps"),
    "max_spread_share": ThresholdLabel("widest spread, share of the move", "%", 100),
    "min_clv": ThresholdLabel("least close location, 0 to 1"),
}


def held(name: str, value: float) -> str:
    """A threshold with its value, in words: `widest spread 60 bps`."""
    label = LABELS[name]
    return " ".join(part for part in (label.words, label.value(value), label.unit) if part)
