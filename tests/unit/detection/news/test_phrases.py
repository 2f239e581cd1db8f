import pytest

from momentum_kit.detection.news.catalysts.classification import RULES
from momentum_kit.detection.news.catalysts.phrases import RuleIndex, phrases
from tests.unit.detection.news.wordings import ENDED, MORE_DILUTION, MORE_HARM, MORE_RECAPS, WORDINGS


@pytest.mark.parametrize(
    ("phrase", "matches", "misses"),
    [
        ("pric* … offering", ("prices $5m public offering", "pricing of offering"), ("offering prices", "price war")),
        ("at the market", ("at-the-market", "at the market"), ("at the markets",)),
        ("non-compliance", ("non-compliance", "noncompliance", "non compliance"), ("compliance",)),
        ("(a|b) (big )?deal", ("a deal", "b big deal"), ("c deal", "a small deal")),
        ("# (million )?shares", ("4.5 million shares", "1,000 shares"), ("million shares",)),
        ("{money} placement", ("$5m placement", "us$5.2 million placement"), ("5 placement",)),
        ("^why", ("why it moved",), ("this is why",)),
    ],
)
def test_the_notation(phrase, matches, misses):
    """What each sign stands for."""
    pattern = phrases(phrase).pattern
    assert all(pattern.search(text) for text in matches)
    assert not any(pattern.search(text) for text in misses)


@pytest.mark.parametrize("phrase", ["(a|b", "a)", "# …", "(a|)", "(a )?(b )?"])
def test_what_is_no_phrase_is_refused(phrase):
    """Open brackets, empty choices, and phrases of which no word must stand in a text."""
    with pytest.raises(ValueError, match="phrase"):
        phrases(phrase)


def test_no_rule_is_passed_over_where_it_would_match():
    """Trying only the rules of whose words one stands in a text changes nothing."""
    index = RuleIndex(rule.phrases for rule in RULES)
    texts = [text for table in (WORDINGS, ENDED) for texts in table.values() for text in texts]
    for text in (*texts, *MORE_DILUTION, *MORE_HARM, *MORE_RECAPS):
        low = text.lower()
        bits = index.candidates(low)
        matching = [rule.name for place, rule in enumerate(RULES) if not bits >> place & 1 and rule.search(low)]
        assert matching == [], text
