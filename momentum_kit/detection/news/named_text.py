"""What a headline offers as evidence of its companies: its text, the names in it, and what is listed."""

import re
from dataclasses import dataclass
from functools import cached_property

from momentum_kit.detection.news.name_index import Fit
from momentum_kit.detection.news.names import ENOUGH, NameMatch, find_names
from momentum_kit.detection.news.symbol_master import SymbolMaster
from momentum_kit.detection.news.symbols import Mention

NAMED_BY_TIE = 1.3  # what a name's words must weigh where a ticker or the broker's tie points to the company already
SMALLER = 10  # times lower in a ranked list: of two partners the news moves the smaller
LEAST_RANK = 1000  # from which on a company counts as small beside a large one

_REPORT = re.compile(
    r"\bmarket (?:report|size|outlook|forecast|trends?|analysis|research|insights?|study|"
    r"to (?:reach|grow|hit|expand|surpass|exceed|witness|be worth)|(?:is |was )?(?:projected|expected|estimated|valued|"
    r"worth|set)\b)|\bcagr\b|researchandmarkets|\bepidemiology forecast|\b(?:pipeline|industry) (?:insight|analysis)",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r": (?:net asset value|(?:monthly|daily|weekly|estimated) nav\b|nav\b|transactions? in own (?:shares|securities)|"
    r"holdings?(?:\(s\))? in company|total voting rights|director(?:ate)?(?:/pdmr| change| dealing)|results? of "
    r"(?:agm|annual|general)|rule (?:8|2\.\d)|form 8|treasury stock|block listing|notice of agm)|\bucits\b|\bform "
    r"8\.[35]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RefusedName:
    """What looked like a company and was not taken for one; check: what failed, in words."""

    candidate: str
    check: str

    def __str__(self) -> str:
        return f"{self.check}: {self.candidate}"


@dataclass(frozen=True)
class NamedText:
    """One headline on its way to its companies; master: None where nobody knows what is listed."""

    text: str
    master: SymbolMaster | None

    @cached_property
    def names(self) -> list[NameMatch]:
        """Every place where a company's name may stand."""
        return find_names(self.text, self.master.index) if self.master else []

    @cached_property
    def accepted(self) -> list[NameMatch]:
        """Those that are companies."""
        return [name for name in self.names if name.counts]

    @cached_property
    def is_report(self) -> bool:
        """True for a research firm's report on a market, which names companies as examples."""
        return _REPORT.search(self.text) is not None

    @cached_property
    def is_notice(self) -> bool:
        """True for a regulatory notice of another country's exchange: "Net Asset Value"."""
        return _NOTICE.search(self.text) is not None

    def listed(self, symbol: str) -> bool:
        """True if the master has this symbol."""
        return self.master is not None and symbol in self.master

    def name_of(self, symbol: str) -> str:
        """The company's name, empty if unknown."""
        return self.master.name(symbol) if self.master else ""

    def symbols_of(self, symbol: str) -> tuple[str, ...]:
        """All symbols of a symbol's company."""
        issuer = self.master.index.issuer_of(symbol) if self.master else None
        return issuer.symbols if issuer else (symbol,)

    def named(self, symbol: str) -> bool:
        """True if the text has this company's name, as far as a ticker beside it needs it."""
        return any(
            symbol in issuer.symbols and (name.weight >= NAMED_BY_TIE or name.score >= ENOUGH)
            for name in self.names
            for issuer in name.issuers
        )

    def beside(self, mention: Mention) -> NameMatch | None:
        """The company named right before a bracketed ticker."""
        return next((name for name in self.accepted if 0 <= mention.start - name.end <= 2), None)

    def around(self, mention: Mention) -> NameMatch | None:
        """The name of another company that a bare ticker is a part of."""
        for name in self.names:
            if name.words == mention.symbol and name.fit is not Fit.WHOLE:
                continue  # a ticker that another company's name begins with
            if name.start <= mention.start < name.end and name.score >= ENOUGH:
                return name if mention.symbol not in name.issuer.symbols else None
        return None

    def smaller(self, name: NameMatch, other: NameMatch) -> bool:
        """True if of two partners the news moves this one."""
        ranked = self.master is not None and self.master.ranked
        return ranked and name.issuer.rank > LEAST_RANK and name.issuer.rank > SMALLER * other.issuer.rank
