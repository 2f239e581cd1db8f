"""No headline can hold the loop: what every pattern costs on text made to hurt it."""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

from momentum_kit.detection import news
from momentum_kit.detection.news import catalysts, classify, clean_headline, find_companies, headlines, names
from momentum_kit.detection.news.names import find_names
from momentum_kit.storage.symbols import bundled_master


def every_pattern() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every compiled pattern below detection.news, and those of the catalyst rules."""
    for module in pkgutil.walk_packages(news.__path__, f"{news.__name__}."):
        for name, each in vars(importlib.import_module(module.name)).items():
            if isinstance(each, re.Pattern):
                yield f"{module.name.rpartition('.')[2]}.{name}", each
    for rule in catalysts.RULES:
        yield f"rule {rule.name}", rule.phrases.pattern
        if rule.unless:
            yield f"unless {rule.name}", rule.unless


PATTERNS = dict(every_pattern())
SHORT, LONG = 250, 1000
MOST_GROWTH = 12  # times the cost for four times the text: linear is 4, square 16; the rest is the machine's
LEAST_S = 5e-4  # below it a clock tells nothing


def hurtful(pattern: re.Pattern[str], size: int) -> Iterator[str]:
    """Text of a size that nearly matches for ever: the pattern's own words, and what brackets and lists are made of."""
    words = sorted(set(re.findall(r"[A-Za-z]{2,}", pattern.pattern)))[:40] or ["A"]
    yield from (" ".join([word] * size)[:size] for word in words)
    yield (" ".join(words) * size)[:size]
    for unit in ("AA/", "A, ", "A-A/", "$A & ", "(", "[A;", "NYSE: A,", "{A:0:", " ", "a ", "A.B/C "):
        yield ("(" + unit * size)[:size]
        yield (unit * size)[:size]


def seconds(pattern: re.Pattern[str], text: str) -> float:
    """Processor time of this thread for finding every match, the best of three."""
    taken = []
    for _ in range(3):
        begun = time.thread_time()
        for _ in pattern.finditer(text):
            continue
        taken.append(time.thread_time() - begun)
    return min(taken)


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_costs_more_than_its_text_is_long(name: str) -> None:
    """Four times the text costs about four times the time, whatever the text."""
    pattern = PATTERNS[name]
    for short, long in zip(hurtful(pattern, SHORT), hurtful(pattern, LONG), strict=True):
        assert seconds(pattern, long) <= MOST_GROWTH * max(seconds(pattern, short), LEAST_S), long[:60]


@pytest.mark.timeout(30)
def test_a_bracket_that_never_closes_is_read_at_once() -> None:
    """The headline that once held an engine for good; a list that closes is still a list."""
    endless = "Movers (" + "AA/" * 40 + "AA"
    assert find_companies(endless).mentions == ()
    assert {each.symbol for each in find_companies("Movers (AAA/BBB.C, DDD)").mentions} == {"AAA", "BBB C", "DDD"}


def test_no_rule_sees_more_than_a_thousand_characters() -> None:
    """Ten megabytes of headline cost what a long one costs; metadata before it is still read."""
    clean = clean_headline("{A:800015:L:en:K:0.5:C:0.9}" + "Acme to be acquired &amp; " * 400_000)
    assert (len(clean.text), clean.language, clean.sentiment) == (headlines.MOST_READ, "en", 0.5)
    assert classify(clean.text).catalyst == "ma_target"


def test_a_list_of_names_without_end_names_only_its_first() -> None:
    """Each name is held against the whole text: a thousand commas and tickers took 145 ms of processor time."""
    found = find_names("Bird adds electric buses" + ",T" * 480, bundled_master().index)
    assert len(found) == names.MOST_NAMES
