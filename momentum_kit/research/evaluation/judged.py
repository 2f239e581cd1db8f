"""Judged: one labelled headline beside what the rules that trade made of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from momentum_kit.config import Config
from momentum_kit.detection.news import ReadHeadline, SymbolMaster, coarse_label, read_headline
from momentum_kit.research.evaluation.labels import LabelledHeadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A headline, its reading from the broad tape, and whether per-contract feeds were believed.

    kind: the catalyst in the labels' words. barred: no long is opened on it, by its catalyst or as a round-up.
    own_kept: a tie to its own company was kept; other_refused: one to another was not; None without a company.
    """

    label: LabelledHeadline
    reading: ReadHeadline
    kind: str
    dilution: bool
    barred: bool
    own_kept: bool | None
    other_refused: bool | None

    @property
    def found(self) -> frozenset[str]:
        """Symbols that the rules took the headline to be about."""
        return frozenset(mention.symbol for mention in self.reading.mentions)

    @property
    def false(self) -> frozenset[str]:
        """Those among them whom it does not concern; none where nobody labelled them."""
        return frozenset() if self.label.tickers is None else self.found - self.label.tickers

    @property
    def expected(self) -> str:
        """The labelled catalyst, the found one where several are right; empty without a label."""
        right = self.label.catalysts
        return self.kind if self.kind in right else right[0] if right else ""


def judge(labels: Sequence[LabelledHeadline], config: Config, master: SymbolMaster | None, seed: int) -> list[Judged]:
    """Read every headline as a session of this configuration would.

    Each that concerns a company is read again as one of its company's own feed, and of the feed of another company
    of the file, drawn by the seed.
    """
    rng = random.Random(seed)
    companies = sorted({ticker for label in labels for ticker in label.tickers or ()})
    barred = set(config.thresholds.barred_catalysts)
    judged = []
    for label in labels:
        reading = read_headline(label.text, master=master)
        catalyst = reading.match.catalyst
        own_kept, other_refused = None, None
        if label.tickers:
            own = label.subject or min(label.tickers)
            own_kept = _believed(label.text, own, master)
            if strangers := [each for each in companies if each not in label.tickers]:
                other_refused = not _believed(label.text, rng.choice(strangers), master)
        judged.append(
            Judged(
                label=label,
                reading=reading,
                kind=coarse_label(reading.match),
                dilution=reading.match.is_dilution,
                barred=catalyst in barred or len(reading.mentions) > config.news.max_tickers,
                own_kept=own_kept,
                other_refused=other_refused,
            )
        )
    return judged


def _believed(text: str, symbol: str, master: SymbolMaster | None) -> bool:
    """Whether a headline that comes by this contract's own feed is taken to be about it."""
    reading = read_headline(text, contract_symbol=symbol, master=master)
    return any(mention.symbol == symbol for mention in reading.mentions)
