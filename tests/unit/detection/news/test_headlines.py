import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.detection.news import clean_headline, normalise
from momentum_kit.detection.news.headlines import parse_metadata, story_id


def test_prefix_of_a_historical_headline_is_read_and_removed():
    """Metadata before the text becomes numbers, the analyst marker a flag, and the text is left clean."""
    clean = clean_headline("{A:800015:L:en:K:-0.97:C:0.97}!Edward Jones downgraded Tesla (TSLA) to Hold")
    assert clean.text == "Edward Jones downgraded Tesla (TSLA) to Hold"
    assert (clean.sentiment, clean.confidence, clean.language) == (-0.97, 0.97, "en")
    assert clean.analyst_action
    assert not clean.flash


@pytest.mark.parametrize(
    ("extra", "sentiment", "confidence"),
    [
        ("A:800015:L:en:K:1.00:C:0.9999533295631409", 1.0, 0.9999533295631409),
        ("K:1.00", 1.0, math.nan),
        ("", math.nan, math.nan),
        ("K:n/a", math.nan, math.nan),
        ("A:800015:L:en", math.nan, math.nan),
        ("K:7:C:-1", math.nan, math.nan),
        ("K:inf:C:nan", math.nan, math.nan),
        ("{K:0.5}", 0.5, math.nan),
    ],
)
def test_extra_data_of_tick_news(extra, sentiment, confidence):
    """The metadata of tickNews stands beside the text; absent, malformed or impossible numbers are nan."""
    clean = clean_headline("Apple (AAPL) unveils a phone", extra)
    assert clean.sentiment == pytest.approx(sentiment, nan_ok=True)
    assert clean.confidence == pytest.approx(confidence, nan_ok=True)
    assert clean.text == "Apple (AAPL) unveils a phone"


def test_prefix_without_k_and_c():
    """A prefix of today's gateways, without K and C, is still removed."""
    clean = clean_headline("{A:800015:L:en}!BofA Securities reiterated Apple (AAPL) coverage with Buy")
    assert clean.text.startswith("BofA Securities")
    assert math.isnan(clean.sentiment)


def test_metadata_in_the_text_wins_over_extra_data():
    """Where both are there, the numbers that travelled with the words count."""
    assert clean_headline("{K:0.25}News", "K:-1.00").sentiment == 0.25


def test_braces_of_the_newsroom_are_text():
    """Only what looks like metadata is removed."""
    assert clean_headline("{Correct} Apple beats").text == "{Correct} Apple beats"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Tesla shareholders &#x2014; the exit ramp", "Tesla shareholders \u2014 the exit ramp"),
        ("AT&amp;amp;T   wins\n order ", "AT&T wins order"),
        ("*DJ Apple to buy back shares", "DJ Apple to buy back shares"),
        ("! * Piper upgrades", "Piper upgrades"),
        ("A\u200bB\x00C", "AB C"),
        ("bank\u00adruptcy off\u2060er\ufe0fing of sh\u202eares\u2800", "bankruptcy offering of shares"),
    ],
)
def test_entities_markers_and_spaces(raw, text):
    """Entities (even encoded twice), markers, control characters and runs of space disappear."""
    assert clean_headline(raw).text == text


def test_flash_marker():
    """A star marks a flash, not an analyst action."""
    clean = clean_headline("*DJ Apple 3Q revenue")
    assert (clean.flash, clean.analyst_action) == (True, False)


def test_one_story_on_two_feeds_has_one_id():
    """The hash after the dollar sign is the same on every feed."""
    first = clean_headline("Apple buys X", article_id="DJ-RT$1ede2dbc")
    assert first.story_id == clean_headline("Other words", article_id="DJ-N$1ede2dbc").story_id == "1ede2dbc"


@pytest.mark.parametrize("article_id", ["", "BRFG", "BRFG$", "BRFG$a b", "BRFG$x:y"])
def test_without_a_usable_hash_the_words_name_the_story(article_id):
    """Spelling, punctuation and case do not make another story; other words do."""
    one = clean_headline("Apple, Inc. BUYS X!", article_id=article_id).story_id
    assert one == clean_headline("apple inc buys x", article_id=article_id).story_id
    assert one != clean_headline("apple inc buys y", article_id=article_id).story_id
    assert ":" not in one


def test_the_hash_of_the_words_is_stable_over_runs():
    """The id is written down; it must not depend on Python's own seeded hash."""
    assert story_id("", "apple inc buys x") == "tb83add6c478f"


@given(st.text(), st.text(), st.text())
def test_any_text_is_read(text, extra, article_id):
    """No headline raises; the id can stand in a key, and numbers are in range or nan."""
    clean = clean_headline(text, extra, article_id)
    assert clean.story_id
    assert ":" not in clean.story_id
    assert math.isnan(clean.sentiment) or -1 <= clean.sentiment <= 1
    assert math.isnan(clean.confidence) or 0 <= clean.confidence <= 1
    assert clean.text == clean.text.strip()
    assert normalise(clean.text) == clean.normalised
    assert isinstance(parse_metadata(extra), dict)


@given(st.floats(-1, 1), st.floats(0, 1), st.from_regex(r"[A-Za-z][A-Za-z ]{0,30}[a-z]", fullmatch=True))
def test_metadata_survives_its_own_format(k, c, words):
    """What IB's format can say is read back exactly."""
    clean = clean_headline(f"{{A:800015:L:en:K:{k!r}:C:{c!r}}}{words}")
    assert (clean.sentiment, clean.confidence) == (k, c)
    assert clean.text == " ".join(words.split())
