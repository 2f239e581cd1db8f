"""Headlines and articles by anybody's hand: read, or unread and told; never an exception in the service."""

import time

import pytest

from momentum_kit.detection.news import read_headline
from momentum_kit.detection.news.bodies import read_body
from momentum_kit.detection.news.headlines import clean_headline
from tests.hostile.corpus import JSON, TEXTS, XML

DIGITS = "9" * 5_000
TEXTS_OF_FEEDS = [
    *TEXTS, *JSON.values(), *(each[:20_000] for each in XML.values()),
    f"Acme (XYZW) wins &#{DIGITS};", f"Acme (XYZW) wins &amp;#{DIGITS}", f"&#x{DIGITS};", f"&#{'0' * 5_000}65;",
    f"{{A:800015:L:en:K:{DIGITS}:C:1e999}} Acme (XYZW) wins", f"Acme (XYZW) wins ${DIGITS}M, 1-for-{DIGITS}",
    "&" * 20_000, "&amp;" * 4_000, "&#" * 10_000, "(" * 20_000, "$" * 20_000, "<" * 20_000, "\u0301" * 20_000,
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS_OF_FEEDS, ids=range(len(TEXTS_OF_FEEDS)))
def test_any_text_is_read(text: str) -> None:
    """As a headline, its metadata, its id, an article, within a moment; what comes of it can be kept and shown."""
    begun = time.thread_time()
    reading = read_headline(text, extra=text, article_id=text)
    reading.clean.text.encode()
    assert reading.clean.text.isprintable()
    for begin in ("", "<html><body>", "<?xml version='1.0'?>"):
        read_body(begin + text).lead.encode(errors="replace")
    assert time.thread_time() - begun < 2


def test_a_number_that_no_character_has_is_a_mark() -> None:
    """It was a ValueError, and with it the end of a session: one headline, from whoever can write one."""
    assert clean_headline(f"Acme wins &#{DIGITS}; a contract").text == "Acme wins \ufffd a contract"
    assert clean_headline("Acme wins &#0000000065; a contract").text == "Acme wins A a contract"
    assert clean_headline("Acme wins &#x41;&#8212;").text == "Acme wins A\u2014"
