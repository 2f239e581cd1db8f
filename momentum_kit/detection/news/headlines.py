"""Reads one raw headline: IB's metadata, markers, entities, and the identity of the story; first stop of the flow."""

import hashlib
import html
import math
import re
import unicodedata
from dataclasses import dataclass

# `{A:800015:L:en:K:-0.97:C:0.97}` before a historical headline; the same without braces is tickNews' extraData.
# A is a constant, L the language, K behaves like a sentiment and C like a confidence; IB documents none of them.
_PREFIX = re.compile(r"\s*\{((?:[A-Z]:[^{}:]*)(?::[A-Z]:[^{}:]*)*):?\}")
_MARKERS = re.compile(r"[\s!*]+")  # `!` marks an analyst action, `*` a flash
_STORY_HASH = re.compile(r"[0-9A-Za-z_-]{4,64}")
_SPACES = re.compile(r"\s+")
_NOT_WORDS = re.compile(r"[\W_]+")
# what prints as nothing although Unicode counts it among marks, letters or symbols: joiners, fillers, variants, braille
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_NO_CHARACTER = re.compile(r"&#[0-9]{100,};?")  # leading zeros included; hexadecimal digits have no such limit
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58\ufe63\uff0d"
_QUOTES = {"'": "\u2018\u2019\u201a\u201b\u02bc\u2032\u00b4\u0060", '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"}
_FOLDED = str.maketrans(
    dict.fromkeys(_DASHES, "-")
    | {each: plain for plain, signs in _QUOTES.items() for each in signs}
    | dict.fromkeys("\u2122\u00ae\u00a9\u2120", "")
)
MOST_READ = 1_000  # characters of a headline that any rule sees; the journal keeps the whole
_MOST_RAW = 8 * MOST_READ  # an entity such as &thetasym; takes ten characters for one


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanHeadline:
    """A headline as the rest of the kit reads it.

    text: for people and rules. normalised: case, punctuation and spacing removed, the second key of a story.
    story_id: the same for one story on every feed. sentiment -1..1 and confidence 0..1: nan where absent.
    """

    text: str
    normalised: str
    story_id: str
    sentiment: float
    confidence: float
    language: str
    analyst_action: bool
    flash: bool


def clean_headline(text: str, extra: str = "", article_id: str = "") -> CleanHeadline:
    """Read a headline as the broker sent it; never raises, whatever the text.

    Metadata in the text wins over `extra` (tickNews' extraData): it travelled with the words.
    """
    prefix = _PREFIX.match(text[:_MOST_RAW])
    metadata = parse_metadata(extra) | (parse_metadata(prefix[1]) if prefix else {})
    begin = prefix.end() if prefix else 0
    body = decode(text[begin : begin + _MOST_RAW])[:MOST_READ]
    markers = _MARKERS.match(body)
    marks = markers[0] if markers else ""
    body = body[len(marks) :].strip()
    normalised = normalise(body)
    return CleanHeadline(
        text=body,
        normalised=normalised,
        story_id=story_id(article_id, normalised or body),
        sentiment=_number(metadata.get("K", ""), -1.0, 1.0),
        confidence=_number(metadata.get("C", ""), 0.0, 1.0),
        language=metadata.get("L", ""),
        analyst_action="!" in marks,
        flash="*" in marks,
    )


def out_of_time(age_s: float, max_age_s: float, max_future_s: float) -> str:
    """Why a headline of this age at its reception may not trade, empty if it may; a negative age is a future stamp."""
    if age_s < -max_future_s:
        return "future stamp"
    return "not live" if age_s > max_age_s else ""


def parse_metadata(text: str) -> dict[str, str]:
    """`A:800015:L:en:K:0.97` as {'A': '800015', ...}; what does not look like a pair is left out."""
    parts = text.strip().strip("{}").split(":")
    return {key: value.strip() for key, value in zip(parts[::2], parts[1::2], strict=False) if len(key) == 1}


def decode(text: str) -> str:
    """HTML entities resolved (some feeds encode them twice), what cannot be seen deleted, runs of space collapsed.

    A line break is a space; a zero-width space within a word is nothing, or it would hide the word from every rule.
    """
    visible = unescape(unescape(text)) if "&" in text else text
    if not visible.isascii():
        visible = _BLANK.sub("", visible)
    if not visible.isprintable():  # what is printable has no control characters, and nearly every headline is
        visible = "".join(map(_visible, visible))
    return _SPACES.sub(" ", visible).strip()


def unescape(text: str) -> str:
    """HTML entities resolved; a number that no character has is a mark, however long it is.

    Python's own raises ValueError at a number of more than 4,300 digits, where a text of thousands could end a session.
    """
    return html.unescape(_NO_CHARACTER.sub("\ufffd", text))


def _visible(char: str) -> str:
    category = unicodedata.category(char)
    return " " if category == "Cc" else "" if category in ("Cf", "Cs", "Co", "Cn") else char


def fold(text: str) -> str:
    """One spelling for what newsrooms write in several: compatibility forms, dashes, quotes; for rules, not for people.

    No ticker is read from folded text: what only looks like a capital letter would become one.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text.translate(_FOLDED)).translate(_FOLDED)[:MOST_READ]


def normalise(text: str) -> str:
    """The words alone, lower case: equal for two feeds that differ in punctuation only."""
    return _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def story_id(article_id: str, words: str) -> str:
    """The hash after `$` of an article id, which is the same on every feed; else a stable hash of the words."""
    _, dollar, code = article_id.rpartition("$")
    if dollar and _STORY_HASH.fullmatch(code):
        return code
    return "t" + hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _number(text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if low <= value <= high else math.nan
