"""Tells who in a headline only acts: who rates, sues, counts the economy's figures or buys another company."""

import re

from momentum_kit.detection.news.named_text import NamedText
from momentum_kit.detection.news.names import NameMatch
from momentum_kit.detection.news.symbol_words import BROKERS
from momentum_kit.detection.news.symbols import Mention

_RATES = re.compile(
    r"\b(?:upgrade|downgrade|reiterate|initiate|resume|maintain|reinstate|assume|start|boost|raise|cut|lower|lift|hike|"
    r"trim|remain|affirm|withdraw|assign|place)s?d?\b(?!\s+(?:to|at|by|from|with)\b)",
    re.IGNORECASE,
)
_RATING = re.compile(
    r"\b(?:upgrad|downgrad|reiterat|initiat|coverage|price target|target price|rating|overweight|underweight|"
    r"outperform|underperform|buy|sell|hold|neutral|bullish|bearish|equal.weight|perform)",
    re.IGNORECASE,
)
_OWN_FIGURES = re.compile(
    r"^\W*(?:\w+\s){0,2}?(?:guidance|outlook|forecast|fy|full|its|dividend|quarterly|q[1-4]|adj|sales|revenue|eps|"
    r"annual)",
    re.IGNORECASE,
)
_OWN_AFFAIRS = re.compile(
    r"\b(?:q[1-4]|[1-4]q|earnings|eps|profit|revenue|dividend|buyback|repurchase|layoffs?|job cuts?|branch\w*|fined?|"
    r"sue[sd]?|settle\w*|prob\w+|shares|stock|shareholders?|ceo|cfo|chief|chair\w*|acqui\w+|merg\w+|bid|takeover|"
    r"deal|stake|bonus\w*|hires?|appoints|outage|breach|guidance|outlook)\b",
    re.IGNORECASE,
)
_SPEAKERS = re.compile(
    r"^[\s&.,]*(?:\w+\s)?(?:strategists?|economists?|analysts?|traders?|desk|chief economist|research|surveys?|poll|"
    r"(?:raise|cut|lift|lower|trim|hike|see|expect|upgrade|downgrade)s?\b.*\b(?:s&p|stoxx|nikkei|year-end|brent|oil|"
    r"gold|"
    r"copper|gdp|fed|recession|view|economy|treasur\w+|equities|stocks))\b",
    re.IGNORECASE,
)
ECONOMY = re.compile(
    r"\b(?:payrolls?|private employers|rig count|home prices?|home sales|housing|mortgage rates?|retail sales|job cuts|"
    r"gas prices|gdp|"
    r"inflation|jobless|recession|fed\b|rents?|insured losses|consumer spending|pmi|crop|harvest|rates)\b",
    re.IGNORECASE,
)
_MACRO = re.compile(
    r"\b(?:oil prices?|opec\+?|brent|wti|crude|s&p 500|stoxx|nikkei|yields?|treasur\w+|currency|dollar|euro|yen|yuan|"
    r"econom\w+|central bank|rate (?:cuts?|hikes?)|sovereign|flash|composite|deficit|debt ceiling|bonds|equities)\b",
    re.IGNORECASE,
)
_INDEX = re.compile(
    r"^(?:\s[\w&']+){0,3}\s(?:index|composite|gauge)\s(?:falls?|rises?|slips?|gains?|jumps?|hits?|ends?|drops?|up|"
    r"down|at)\b",
    re.IGNORECASE,
)
_UNDERWRITES = re.compile(
    r"\b(?:offering|placement|book-?runn\w+|run(?:s|ning)? (?:the )?books?|underwrit\w+|lead(?:s|ing)?|agents?|atm|"
    r"(?:stock|share|spot|block) (?:sale|secondary|trade)|sales agreement|priced?s?)\b",
    re.IGNORECASE,
)
_RATERS = frozenset({"MCO", "SPGI", "MORN"})
_SOURCES = _RATERS | {"MSCI", "NDAQ", "ICE", "CME", "CBOE", "FDS", "ADP", "Z"}  # they list, count and rank others
_PRODUCT = re.compile(r"^(?:['’]s)?(?:\s[\w&'-]+){0,4}?\s(?:etfs?|etns?|funds?)\b", re.IGNORECASE)  # noqa: RUF001
_OF_A_RATER = re.compile(r"\b(?:guidance|fy\d*|q[1-4]|eps|dividend|revenue|buyback|results|adj)\b", re.IGNORECASE)
_CHANGES = re.compile(
    r"^[\s&.,]*(?:\w+\s){0,2}?(?:upgrade|downgrade|raise|cut|lower|lift|affirm|change|assign|place|put|withdraw|"
    r"revise|keep|"
    r"confirm|maintain|rate|slash|remove|review|warn)s?d?\b",
    re.IGNORECASE,
)
_LAW = re.compile(r"^(?:['’]s)?[\s,&]+(?:\w+\s){0,2}?(?:law\b|llp\b|p\.?c\.|attorneys|lawyers|leviton)", re.IGNORECASE)  # noqa: RUF001
_BUYS = re.compile(
    r"\b(?:acquir(?:e|es|ing)|buy(?:s|ing)?|purchas(?:e|es|ing)|takes? over|acquisition of|takeover of|buyout of|"
    r"bids? for|offers? for|merger with|stake in|shares of|takes? private)\s+(?:all of |rest of |the |remaining )*$",
    re.IGNORECASE,
)
_CHOOSES = re.compile(
    r"\b(?:picks|picked|selects|selected|chooses|chose|taps|tapped|pays|awards|adopts)\s+$", re.IGNORECASE
)
_WIRE = re.compile(r"(?:DJ|BRIEF|UPDATE \d|REFILE|CORRECT(?:ED)?)?[\s:*-]*", re.IGNORECASE)  # a newswire's own mark
POSSESSIVE = re.compile(r"^['’]s?\s", re.IGNORECASE)  # noqa: RUF001


def speaks_of_others(evidence: NamedText, name: NameMatch) -> str:
    """What makes a named company a mere speaker, empty if it is none."""
    if evidence.is_notice or (name.start > 0 and evidence.is_report):
        return "a notice or report of another kind"
    if _LAW.match(evidence.text[name.end : name.end + 40]):
        return "a law firm"
    if _PRODUCT.match(evidence.text[name.end : name.end + 80]):
        return "sells a fund"
    if _rates_states(evidence, name) or _named_rater(evidence, name):
        return "rates another company"
    if _underwrites(evidence, name):
        return "sells another's shares"
    return "tells of the economy" if _tells_of_the_economy(evidence, name) else ""


def is_chosen(evidence: NamedText, name: NameMatch) -> bool:
    """True for the company behind "picks": a customer's choice moves whom it chose."""
    return _CHOOSES.search(evidence.text[max(0, name.start - 25) : name.start]) is not None


def is_bought(evidence: NamedText, name: NameMatch) -> bool:
    """True for the company behind "to acquire"; not where only something of it is bought."""
    bought = _BUYS.search(evidence.text[max(0, name.start - 45) : name.start])
    return bool(bought) and not POSSESSIVE.match(evidence.text[name.end : name.end + 3])


def rates_another(evidence: NamedText, mention: Mention) -> bool:
    """True for the broker in "Goldman (GS) downgraded NIO (NIO)" and after "downgraded at"; not if it is rated."""
    symbol, text = mention.symbol, evidence.text
    if symbol not in BROKERS or not _RATING.search(text):
        return False
    called = "|".join(re.escape(name) for name in (*BROKERS[symbol], f"({symbol})"))
    if re.search(rf"\b(?:at|by)\s+(?:{called})", text, re.IGNORECASE):
        return True
    verb = _RATES.search(text)
    return verb is not None and re.search(called, text[: verb.start()], re.IGNORECASE) is not None


def _rates_states(evidence: NamedText, name: NameMatch) -> bool:
    """True for a rating agency that changes a rating, whether or not it says what is rated: "Moody's Cuts U.S."."""
    if name.issuer.symbol not in _RATERS or _OF_A_RATER.search(evidence.text):
        return False
    return _CHANGES.match(evidence.text[name.end : name.end + 60]) is not None


def _underwrites(evidence: NamedText, name: NameMatch) -> bool:
    """True for a broker behind the company whose shares it sells: "Oklo Announces Offering, BofA Leading"."""
    behind_another = any(other.start < name.start and other.issuer is not name.issuer for other in evidence.accepted)
    return name.issuer.symbol in BROKERS and behind_another and _UNDERWRITES.search(evidence.text) is not None


def _named_rater(evidence: NamedText, name: NameMatch) -> bool:
    """True for a company that speaks of others: a broker, a rating agency, and who stands before such a verb."""
    broker = name.issuer.symbol in BROKERS
    if name.issuer.symbol in _SOURCES and not _OWN_AFFAIRS.search(evidence.text):
        return True
    behind = evidence.text[name.end : name.end + 80]
    if broker and (_SPEAKERS.match(behind) or not _OWN_AFFAIRS.search(evidence.text)):
        return True
    if not _RATING.search(evidence.text):
        return False
    verb = _RATES.search(behind[:40])
    first = _RATES.search(evidence.text[: name.start]) is None
    if verb and first and verb.start() <= 25 and not _OWN_FIGURES.match(behind[verb.end() :]):
        others = any(other.start > name.start and other.issuer is not name.issuer for other in evidence.accepted)
        plain = re.fullmatch(r"[\s&.,]*(?:\w+\.?[\s,]+){0,3}", behind[: verb.start()]) is not None
        if plain and (broker or (others and verb.start() <= 12)):
            return True
    return broker and re.search(r"\b(?:at|by)\s+$", evidence.text[: name.start], re.IGNORECASE) is not None


def _tells_of_the_economy(evidence: NamedText, name: NameMatch) -> bool:
    """True for who counts rigs, payrolls and home prices: "ADP: Private Payrolls Rose", "Freddie Mac Says"."""
    behind = evidence.text[name.end :]
    first = _WIRE.fullmatch(evidence.text[: name.start]) is not None
    counts = re.match(r"^(?:\s(?:us|u\.s\.))?\s(?:rig count|data|survey|index|report)\b", behind, re.IGNORECASE)
    if re.match(r"^(?:\s\w+){0,3}\srig counts?\b", behind, re.IGNORECASE):
        return True
    speaks = counts or re.match(r"^(?:: |\s(?:sees|says)\b)", behind, re.IGNORECASE)
    at_the_end = re.fullmatch(r"\s(?:says|reports)\.?", behind, re.IGNORECASE)
    told = ECONOMY.search(evidence.text) is not None or (behind[:2] == ": " and _MACRO.search(behind) is not None)
    if _INDEX.match(behind):
        return True
    if re.fullmatch(r"\s(?:data|figures|survey|index) (?:shows?|says?|suggests?)\.?", behind, re.IGNORECASE):
        return True
    if name.issuer.symbol in BROKERS and first:
        return told or (bool(_MACRO.search(behind)) and not _OWN_FIGURES.search(behind[:40]))
    return bool((speaks and first) or at_the_end) and told
