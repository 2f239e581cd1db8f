"""News on its way from a provider's headline to a story tied to a contract."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from momentum_kit.models.contracts import Contract


class HeadlinePhase(StrEnum):
    """How a headline reached us; only LIVE may be traded."""

    LIVE = "live"
    """Told as it happened."""
    SNAPSHOT = "snapshot"
    """Replayed by the broker when a subscription starts."""
    BACKFILL = "backfill"
    """Fetched from historical news after a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One tickNews or historicalNews line as the broker sent it.

    published_at: the provider's; received_at: ours, None where nobody recorded it (never guessed).
    text still carries IB's metadata prefix; extra is tickNews' extraData.
    contract is the one of the subscription, None on the broad tape.
    received_ns: perf_counter_ns when the callback ran, 0 for history.
    body: its article, where a session had read it in time and an archive has kept it; empty live.
    """

    provider: str
    article_id: str
    text: str
    published_at: datetime
    received_at: datetime | None
    extra: str = ""
    contract: Contract | None = None
    phase: HeadlinePhase = HeadlinePhase.LIVE
    received_ns: int = 0
    body: str = ""


@dataclass(frozen=True, slots=True)
class NewsProvider:
    """One feed the account is entitled to."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Article:
    """The body behind a headline: article_type 0 is text or HTML, 1 is base64 (PDF)."""

    article_type: int
    text: str


class Catalyst(StrEnum):
    """Why a headline may move a price, most harmful to a long position first.

    One value is one trading class: what is barred or not, counted and studied together. The values of older journals
    and event tables are all among them; they knew no finer ones.
    """

    OFFERING = "offering"
    """Shares, or what turns into shares, are sold to the public or may be."""
    PIPE = "pipe"
    """The same to chosen investors."""
    TREASURY_ISSUE = "treasury_issue"
    """The same, to buy coins for the company's treasury."""
    REVERSE_SPLIT = "reverse_split"
    DELISTING = "delisting"
    GOING_CONCERN = "going_concern"
    """Whether the company lives on: doubt, default, insolvency, liquidation."""
    CLINICAL_FAILURE = "clinical_failure"
    HALT = "halt"
    LEGAL = "legal"
    """Accused, sued, fined, convicted."""
    SOLICITATION = "solicitation"
    """A law firm looks for plaintiffs."""
    ADVERSE = "adverse"
    """Any other news that points down: a miss, a cut, a downgrade, an order lost, a deal denied or ended."""
    RECAP = "recap"
    """Tells of a move that was already made."""
    ROUNDUP = "roundup"
    """Lists of companies, and the market as a whole."""
    COMMENTARY = "commentary"
    """Opinions, previews, statistics."""
    MA_TARGET = "ma_target"
    MA_ACQUIRER = "ma_acquirer"
    FDA = "fda"
    CLINICAL_SUCCESS = "clinical_success"
    LEGAL_WIN = "legal_win"
    """A patent granted, a suit won or dismissed."""
    EARNINGS = "earnings"
    GUIDANCE = "guidance"
    CONTRACT_AWARD = "contract_award"
    PARTNERSHIP = "partnership"
    CRYPTO_TREASURY = "crypto_treasury"
    ANALYST = "analyst"
    OTHER = "other"


class Direction(StrEnum):
    """Which way a headline's words point for the company's price."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


class Certainty(StrEnum):
    """Whether what a headline tells of has happened."""

    DONE = "done"
    PLANNED = "planned"
    DENIED = "denied"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a HeadlineReader made of a headline: catalyst, direction in [-1, 1], confidence in [0, 1]."""

    catalyst: Catalyst
    direction: float
    confidence: float
    source: str
    rationale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """A story tied to a contract: what the detection engine watches.

    item_id is `<story_id>:<con_id>`, the key of every trace row.
    sentiment (K, -1..1) and confidence (C, 0..1) are IB's metadata, nan where absent; features, never gates.
    n_tickers: how many tickers the story names; a round-up (more than 3) is never traded.
    body_dilution: the words of its article that tell of shares sold; empty without, and where no article was read.
    update: what a later telling of a known story says; it can bar what is being judged, and starts nothing.
    """

    item_id: str
    story_id: str
    headline: Headline
    contract: Contract
    text: str
    catalyst: Catalyst
    catalyst_rule: str
    sentiment: float = float("nan")
    confidence: float = float("nan")
    analyst_action: bool = False
    n_tickers: int = 1
    reading: Reading | None = None
    body_dilution: str = ""
    update: bool = False
    stage_ms: dict[str, float] = field(default_factory=dict)
