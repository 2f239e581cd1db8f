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


def parse_metadata(text: str) -> dict[str, str]:
    """`A:800015:L:en:K:0.97` as {'A': '800015', ...}; what does not look like a pair is left out."""
    parts = text.strip().strip("{}").split(":")
    return {key: value.strip() for key, value in zip(parts[::2], parts[1::2], strict=False) if len(key) == 1}


def decode(text: str) -> str:
    """HTML entities resolved (some feeds encode them twice), control characters and runs of space collapsed."""
    plain = html.unescape(html.unescape(text))
    visible = plain
    if not plain.isprintable():  # what is printable has no control characters, and nearly every headline is
        visible = "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Cs") else char for char in plain)
    return _SPACES.sub(" ", visible).strip()


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
