import re

import pytest

from momentum_kit.simgateway.embedding import open_market
from momentum_kit.simgateway.market.headlines import PHRASES, PROVIDERS
from momentum_kit.simgateway.market.moves import SHAPES
from momentum_kit.simgateway.scenario import DecoySpec, load_scenario, parse_scenario

SEEDS = range(6)


@pytest.fixture(scope="module")
def told():
    """(kind, headline, symbol) of every headline of the day, over some seeds of the demo."""
    rows = []
    for seed in SEEDS:
        market = open_market(load_scenario("demo", seed))
        news = {event.article_id: event for event in market.advance(market.ends)}
        truth = market.truth()
        rows += [
            (row["kind"], news[row["article_id"]], row["symbol"])
            for row in truth["planted"] + truth["decoys"]
            if row["article_id"]
        ]
    return rows


def test_every_decoy_kind_can_be_told():
    """Each kind of the scenario format has a move or words of its own."""
    for kind in DecoySpec.model_fields:
        assert kind in SHAPES or kind in PHRASES or kind == "second_feed"


def test_the_demo_has_every_decoy():
    """No kind of decoy is missing from the README's demo."""
    assert all(load_scenario("demo").news.decoys.model_dump().values())


def test_article_ids_and_metadata_have_ibs_form(told):
    """PROVIDER$hash, and one of the recorded forms of extraData."""
    forms = set()
    for _, event, _ in told:
        assert re.fullmatch(rf"{re.escape(event.provider)}\$[0-9a-f]{{8}}", event.article_id)
        assert event.provider in PROVIDERS
        assert re.fullmatch(r"|K:-?\d\.\d\d|A:800015:L:en(:K:(n/a|-?\d\.\d\d):C:(n/a|\d\.\d\d))?", event.extra)
        forms.add(re.sub(r"-?\d\.\d\d", "#", event.extra))
    assert forms == {"", "K:#", "A:800015:L:en", "A:800015:L:en:K:n/a:C:n/a", "A:800015:L:en:K:#:C:#"}


def test_the_ticker_comes_in_every_style(told):
    """(NASDAQ: XYZ), (XYZ), XYZ:, $XYZ, and not at all where only the contract's own feed could tell."""
    styles = {
        style
        for _, event, symbol in told
        for style in ("(NASDAQ: {})", "({})", "{}: ", "${} ")
        if style.format(symbol) in event.text
    }
    assert len(styles) == 4
    unnamed = {kind for kind, event, symbol in told if symbol not in event.text}
    assert unnamed <= {"neutral", "false_ticker"}
    assert unnamed


def test_analyst_actions_are_marked(told):
    """Briefing's analyst feed begins with '!', no other does."""
    for _, event, _ in told:
        assert event.text.startswith("!") == (event.provider == "BRFUPDN")


def test_texts_keep_entities_and_bodies_are_text_or_html(told):
    """Dashes and ampersands arrive as entities, bodies as plain text with &#10; or as HTML."""
    texts, bodies = [event.text for _, event, _ in told], [event.body for _, event, _ in told]
    assert any("&#x2014;" in text for text in texts)
    assert not any("—" in text or re.search(r"&(?![#\w]+;)", text) for text in texts)
    assert any(body.startswith("<html>") for body in bodies)
    assert any("&#10;" in body for body in bodies)


def test_published_is_before_the_relay(told):
    """A provider's stamp is older than the relay, by seconds unless the headline is stale."""
    for kind, event, _ in told:
        age_s = (event.time - event.published).total_seconds()
        assert age_s > 3600 if kind == "stale" else 0 < age_s < 5


def test_an_account_without_the_free_feeds_still_gets_its_news():
    """Planted stories come on whatever feed there is."""
    spec = {"news": {"providers": ["DJ-N"], "planted": 2, "decoys": {"second_feed": 1}}}
    market = open_market(parse_scenario(spec))
    events = market.advance(market.ends)
    assert {event.provider for event in events} == {"DJ-N"}
    assert len(events) == 2
