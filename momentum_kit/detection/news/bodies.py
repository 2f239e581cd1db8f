"""Reads the article behind a headline: whether shares are sold in its lead, and whom that names by exchange and ticker.

Only the lead counts, up to what every release ends with (about the company, forward-looking statements, contacts). A
body is a stranger's text: it is cut before it is parsed, since a parser may take the square of a nesting's depth, and
an HTML parser knows no entities of a document's own, no DTD and no network. XML is read by the same one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from selectolax.lexbor import LexborHTMLParser

from momentum_kit.detection.news.catalysts import classify
from momentum_kit.detection.news.companies import find_companies
from momentum_kit.detection.news.headlines import decode, unescape
from momentum_kit.detection.news.reading import ReadHeadline
from momentum_kit.detection.news.symbol_master import SymbolMaster
from momentum_kit.detection.news.symbols import MatchLayer, Mention
from momentum_kit.models import Catalyst

MOST_PARSED = 20_000  # characters; so much nesting takes some 30 ms
MOST_LEAD = 6_000  # characters of text that are read
MOST_SENTENCES = 60
_BEGIN = re.compile(r"<body\b", re.IGNORECASE)
_MARKUP = re.compile(r"<(?:!doctype|[a-z]{1,20})\b[^<>]{0,200}>", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_TAIL = re.compile(
    r"^\W*(?:about\s+\S|forward[- ]looking|safe harbor|cautionary|disclaimer|contacts?\b|investor (?:relations|contact)"
    r"|media contact|source:|view source|copyright)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_HARMLESS = frozenset({Catalyst.ANALYST, Catalyst.HALT})


class BodyKind(StrEnum):
    """What an article was written in."""

    TEXT = "text"
    HTML = "html"
    XML = "xml"
    PDF = "pdf"
    """Kept for people, not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFindings:
    """What a body says. dilution: the words that do, empty without; mentions: tickers with their exchange, in order."""

    kind: BodyKind
    lead: str
    dilution: str
    mentions: tuple[Mention, ...]


def leaves_open(reading: ReadHeadline) -> bool:
    """Whether an article could add something: dilution behind harmless words, or who it is that nearly was named."""
    match = reading.match
    if match.is_dilution or match.barred or match.catalyst in _HARMLESS:
        return False
    return bool(reading.mentions or reading.refusals)


def read_body(text: str, master: SymbolMaster | None = None) -> BodyFindings:
    """Read an article of type 0 (text or HTML); never raises, whatever the text."""
    kind, plain = plain_text(text)
    lead = list(_lead(plain))
    dilution = next((words for words in lead if classify(words).is_dilution), "")
    named: dict[str, Mention] = {}
    for words in lead:
        for mention in find_companies(words, "", master).mentions:
            if mention.layer is MatchLayer.EXCHANGE:
                named.setdefault(mention.symbol, mention)
    return BodyFindings(kind=kind, lead=" ".join(lead), dilution=dilution, mentions=tuple(named.values()))


def plain_text(text: str) -> tuple[BodyKind, str]:
    """What an article is written in, and its first words without markup, paragraphs on lines of their own."""
    begin = text[:200].lstrip("\ufeff \t\r\n")
    if begin.startswith("<?xml"):
        kind = BodyKind.XML
        text = _CDATA.sub(" ", text[: 2 * MOST_PARSED])
    elif _MARKUP.search(text[:2_000]):
        kind = BodyKind.HTML
        body = _BEGIN.search(text[: 50 * MOST_PARSED])
        text = text[body.start() if body else 0 :]
    else:
        return BodyKind.TEXT, unescape(text[:MOST_PARSED])
    parsed = LexborHTMLParser(text[:MOST_PARSED].encode("utf-8", "replace").decode())
    for tag in ("script", "style", "head"):
        for node in parsed.css(tag):
            node.decompose()
    return kind, parsed.body.text(separator="\n") if parsed.body else ""


def _lead(plain: str) -> Iterator[str]:
    """The sentences of the lead."""
    read = count = 0
    for words in _SENTENCE.split(plain[: 2 * MOST_LEAD]):
        if not words.strip():
            continue
        if _TAIL.match(words) or read > MOST_LEAD or count >= MOST_SENTENCES:
            return
        read, count = read + len(words), count + 1
        yield decode(words)
