"""Headlines of our own making in IB's real formats: subject styles, metadata, entities, bodies."""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime

import numpy as np

from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.market.universe import Company

PROVIDERS = {
    "BRFG": "Briefing.com General Market Columns",
    "BRFUPDN": "Briefing.com Analyst Actions",
    "DJNL": "Dow Jones Newsletters",
    "DJ-N": "Dow Jones News Service",
    "DJ-RT": "Dow Jones Real-Time News",
}
STYLES = ("exchange", "paren", "lead", "cash", "plain")

# What follows the subject. {product}, {n}, {usd}, {peer} are filled in; & and dashes arrive as HTML entities.
PHRASES: dict[str, tuple[str, ...]] = {
    "fda": (
        "receives FDA approval for {product}",
        "announces FDA 510(k) clearance of {product}",
        "granted FDA fast track designation for {product}",
    ),
    "clinical": (
        "reports {product} met primary endpoint in Phase {n} trial",
        "announces positive topline results from Phase {n} study of {product}",
    ),
    "earnings": (
        "beats Q3 estimates, raises full-year guidance",
        "reports record third quarter revenue, up {pct}% &#x2014; raises outlook",
        "Q3 EPS $0.{n}1 vs $0.0{n} consensus; guides above the Street",
    ),
    "contract": (
        "awarded ${usd} million contract for {product}",
        "wins ${usd} mln U.S. Army contract for {product}",
        "receives ${usd} million purchase order for {product}",
    ),
    "partnership": (
        "announces strategic partnership with {peer} on {product}",
        "signs collaboration agreement with {peer} for {product}",
    ),
    "crypto": ("adopts Bitcoin treasury strategy, buys {n}00 BTC", "to hold Ethereum as primary treasury reserve"),
    "upgrade": ("upgraded to Buy from Hold at {broker}; target ${target}", "initiated with a Buy at {broker}"),
    "neutral": (
        "to present at the Autumn Growth Conference",
        "schedules third quarter results call",
        "appoints chief accounting officer",
        "publishes annual sustainability report",
        "to ring the closing bell on Monday",
        "opens office in Rotterdam",
    ),
    "tiny_move": (
        "announces distribution agreement with {peer} for {product}",
        "receives $0.{n} million grant for {product}",
        "extends collaboration agreement with {peer}",
    ),
    "offering": (
        "prices ${usd} million registered direct offering",
        "announces proposed public offering of common stock &amp; warrants",
        "enters into ${usd} million at-the-market offering agreement",
        "announces pricing of ${usd} million underwritten public offering",
    ),
    "wide_spread": ("awarded ${usd} million contract for {product}", "wins ${usd} million order for {product}"),
    "few_trades": ("signs collaboration agreement with {peer} for {product}", "reports record quarterly revenue"),
    "stale": ("announces strategic partnership with {peer}", "awarded ${usd} million contract for {product}"),
    "false_ticker": (
        "CEO says AI spending in the USA is up; CFO to speak on Q4 EPS",
        "names new CEO &#x2014; board cites AI and IT experience",
        "says FDA meeting on IND went as planned, CEO to host call at 10 AM ET",
    ),
    "pump": ("is trending on message boards, CEO declines to comment",),
    "halt": ("receives FDA approval for {product}", "wins ${usd} million U.S. Navy contract for {product}"),
    "merger_target": (
        "to be acquired by {peer} for ${offer} per share in cash",
        "enters definitive agreement to be acquired by {peer} for ${offer} per share in cash",
    ),
}
EXCHANGE_NAMES = {"NASDAQ": "NASDAQ", "NYSE": "NYSE", "ARCA": "NYSEARCA"}
ROUND_UP = ("Stocks moving this morning", "Small caps on the move", "Early movers")
GOOD_NEWS = ("fda", "clinical", "earnings", "contract", "partnership", "crypto")
BIOTECH = ("fda", "clinical")
PEERS = ("Orden Wexley", "Halberon National", "Brightwell", "Nordmark & Sohn", "Castellane Group")
BROKERS = ("Hartwell Pierce", "Lindqvist Securities", "Calder Moor")


@dataclass(frozen=True, slots=True)
class PlannedStory:
    """What a headline is about, before it is dressed as a provider's line."""

    kind: str  # a key of moves.SHAPES, 'neutral', 'unplanted', 'false_ticker' or 'second_feed'
    company: Company
    _: KW_ONLY
    others: tuple[Company, ...] = ()  # further names of a round-up
    offer_usd: float = 0.0  # a takeover's price


def story_hash(rng: np.random.Generator) -> str:
    """Eight hex digits: what stands after '$' in an article id and names the story on every feed."""
    return f"1e{int(rng.integers(16**6)):06x}"


def compose_headline(story: PlannedStory, provider: str, rng: np.random.Generator) -> str:
    """The headline's text as tickNews carries it: no metadata prefix, '!' before analyst actions."""
    if story.kind == "round_up":
        names = ", ".join(f"{_name(other)} ({other.instrument.symbol})" for other in (story.company, *story.others))
        return f"{rng.choice(ROUND_UP)}: {names}"
    phrase = _fill(str(rng.choice(PHRASES[_theme(story, provider, rng)])), story, rng)
    subject = _subject(story, rng)
    return f"!{subject} {phrase}" if provider == "BRFUPDN" else f"{subject} {phrase}"


def _theme(story: PlannedStory, provider: str, rng: np.random.Generator) -> str:
    if story.kind == "unplanted":
        return str(rng.choice(("earnings", "contract", "partnership")))
    if story.kind != "planted":
        return story.kind
    if provider == "BRFUPDN":
        return "upgrade"
    biotech = story.company.instrument.category in ("Biotechnology", "Pharmaceuticals")
    return str(rng.choice(BIOTECH if biotech else GOOD_NEWS[2:]))


def _name(company: Company) -> str:
    name = company.instrument.long_name.title().removesuffix(" Inc").removesuffix(" Corp")
    return name.replace("&", "&amp;")


def _subject(story: PlannedStory, rng: np.random.Generator) -> str:
    symbol, name = story.company.instrument.symbol, _name(story.company)
    # Only a contract's own news may leave the ticker out: on the broad tape nobody could tell whose story it is.
    styles = STYLES if story.kind in ("neutral", "false_ticker") else STYLES[:-1]
    match str(rng.choice(styles)):
        case "exchange":
            return f"{name} ({EXCHANGE_NAMES[story.company.instrument.primary_exchange]}: {symbol})"
        case "paren":
            return f"{name} ({symbol})"
        case "lead":
            return f"{symbol}: {name}"
        case "cash":
            return f"${symbol} {name}"
        case _:
            return name


def _fill(phrase: str, story: PlannedStory, rng: np.random.Generator) -> str:
    return phrase.format(
        product=story.company.product,
        peer=str(rng.choice(PEERS)).replace("&", "&amp;"),
        broker=str(rng.choice(BROKERS)),
        n=int(rng.integers(2, 4)),
        pct=int(rng.integers(18, 90)),
        usd=round(float(rng.uniform(4, 60)), 1),
        target=round(story.company.price * 1.4),
        offer=f"{story.offer_usd:.2f}",
    )


def headline_metadata(rng: np.random.Generator) -> str:
    """What tickNews carries as extraData: K (read as sentiment) is unreliable in life and so it is here."""
    form = rng.choice(["full", "bare", "n/a", "empty", "old"], p=[0.6, 0.14, 0.1, 0.1, 0.06])
    sentiment, confidence = rng.uniform(-0.3, 1.0), rng.uniform(0.6, 1.0)
    return {
        "full": f"A:800015:L:en:K:{sentiment:.2f}:C:{confidence:.2f}",
        "bare": "A:800015:L:en",
        "n/a": "A:800015:L:en:K:n/a:C:n/a",
        "empty": "",
        "old": f"K:{sentiment:.2f}",
    }[str(form)]


def article_body(text: str, story: PlannedStory, published: datetime, rng: np.random.Generator) -> str:
    """An article of type 0: plain text with numeric line breaks, or HTML."""
    line = text.lstrip("!")
    place = str(rng.choice(("AUSTIN, Texas", "BOSTON", "RENO, Nev.", "TORONTO")))
    lead = f"{place}, {published.astimezone(NEW_YORK):%b. %d, %Y} -- {line}."
    about = f"{_name(story.company)} is known for {story.company.product}."
    if rng.random() < 0.4:
        return f"<html><body><p>{lead}</p><p>{about}</p></body></html>"
    return f"{lead}&#10;&#10;{about}&#10;"
