"""Whether what the broker knows of a symbol agrees with the words that led to it: tickers are used again for others."""

import re

from momentum_kit.detection.news.headlines import normalise
from momentum_kit.detection.news.name_words import GENERIC, core_words, name_words, short_words
from momentum_kit.detection.news.symbols import MatchLayer, Mention, name_agrees

_NOT_COMMON = re.compile(
    r"\b(?:ETF|ETN|ETC|ETMF|FUND|PREFERRED|PREFERENCE|RIGHT|WARRANT|UNIT|BOND|STRUCTURED)", re.IGNORECASE
)
_FAMILIES = (
    ("NASDAQ", ("NASDAQ",)),
    ("OTC", ("OTC", "PINK")),
    ("CBOE", ("CBOE", "BATS")),
    ("NYSE", ("NYSE", "ARCA", "AMEX")),
)
_SHARE_WORDS = frozenset(["cl", "class", "sp", "spon", "reg", "adr", "ads", "new", "a", "b", "c"])
_LEAST = 3  # letters that two spellings of a word share from the front: "INTL", "PHARMA"


def exchange_family(exchange: str) -> str:
    """The exchange of a listing in one word, however a source spells it; as given where it is none of ours."""
    name = exchange.upper()
    return next((family for family, marks in _FAMILIES if any(mark in name for mark in marks)), name)


def disagreement(
    mention: Mention, text: str, *, long_name: str, stock_type: str, primary_exchange: str, known_name: str = ""
) -> str:
    """Which check fails, in words; empty where all agree or the broker says nothing.

    long_name, stock_type, primary_exchange: the broker's. known_name: the symbol master's, by which words were matched.
    """
    symbol = mention.symbol
    if mention.layer is MatchLayer.NAME and _NOT_COMMON.search(stock_type):
        return f"stock type disagrees: {symbol}, {stock_type}"
    tagged, listed = exchange_family(mention.exchange), exchange_family(primary_exchange)
    if tagged != listed and {tagged, listed} <= {family for family, _ in _FAMILIES}:
        return f"exchange disagrees: {symbol}, {mention.exchange} in the text, listed on {primary_exchange}"
    if long_name and not _name_fits(mention, text, long_name, known_name):
        return f"name disagrees: {symbol}, {long_name}"
    return ""


def same_company(one: str, other: str) -> bool:
    """True if two spellings of a name can be one company's: "Intl Business Machines", "INTERNATIONAL BUSINESS MACH"."""
    first, second = _plain(one), _plain(other)
    shared = min(len(short_words(first)), len(short_words(second)))
    if not shared:
        return False
    in_order = all(_alike(*pair) for pair in zip(first[:shared], second[:shared], strict=True))
    return in_order or set(first[:2]) == set(second[:2])  # registries turn persons' names: "LAUDER ESTEE"


def _name_fits(mention: Mention, text: str, long_name: str, known_name: str) -> bool:
    known = bool(known_name) and same_company(known_name, long_name)
    if mention.layer is MatchLayer.CONTRACT and mention.words == mention.symbol:
        return True  # its ticker stands in the text
    if mention.layer in (MatchLayer.NAME, MatchLayer.CONTRACT):
        return known or (bool(mention.words) and same_company(mention.words, long_name)) or _named_in(long_name, text)
    if mention.needs_name:
        return name_agrees(long_name, mention)
    if known or name_agrees(long_name, mention) or _named_in(long_name, text):
        return True
    if known_name and name_agrees(known_name, mention):
        return False  # the words are of the company that had this ticker before
    words = mention.before.rstrip(" ([").split()
    beside = mention.alone and mention.layer in (MatchLayer.EXCHANGE, MatchLayer.BRACKETED)
    return not beside or not words or not words[-1][0].isupper()  # where no name stands beside it, none disagrees


def _named_in(long_name: str, text: str) -> bool:
    """True if one of the first two telling words of the name stands in the text."""
    telling = [word for word in short_words(_plain(long_name)) if word not in GENERIC and len(word) >= _LEAST][:2]
    words = normalise(text).split()
    return any(word.startswith(each) or word == each for each in telling for word in words)


def _plain(name: str) -> list[str]:
    words = core_words(name_words(name.replace("-", " ")))
    while len(words) > 1 and words[-1] in _SHARE_WORDS:
        words = core_words(words[:-1])
    return words


def _alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= _LEAST and long.startswith(short))
