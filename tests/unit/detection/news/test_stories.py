from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.detection.news import StoryMemory

NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
KEEP = timedelta(hours=24)
WORDS = "acme wins a large contract today"


def test_a_story_is_new_once():
    """The second feed brings nothing new, unless it names another company."""
    memory = StoryMemory(KEEP)
    assert memory.hear("s1", WORDS, ["ACME"], NOON) == ["ACME"]
    assert memory.hear("s1", "other words", ["ACME"], NOON) is None
    assert memory.hear("s2", WORDS, ["ACME", "GLOB"], NOON) == ["GLOB"]
    assert memory.symbols("s2", WORDS) == {"ACME", "GLOB"}


def test_a_story_is_forgotten_after_the_time_set():
    """Also under words by which it became known later."""
    memory = StoryMemory(KEEP)
    memory.hear("s1", WORDS, ["ACME"], NOON)
    memory.hear("s1", "the same story in quite other words", ["ACME"], NOON + timedelta(hours=20))
    assert memory.hear("s1", WORDS, ["ACME"], NOON + KEEP) is None
    after = NOON + KEEP + timedelta(seconds=1)
    assert memory.hear("s9", "the same story in quite other words", ["ACME"], after) == ["ACME"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3), st.integers(0, 400)), max_size=40))
def test_it_remembers_exactly_what_is_young_enough(heard):
    """As a list that is searched from end to end for stories no older than the time set."""
    memory, stories, now = StoryMemory(KEEP), [], NOON
    for number, words, symbol, minutes in heard:
        now += timedelta(minutes=minutes)
        story_id, text, name = f"s{number}", f"one two three four five {words}", f"SYM{symbol}"
        stories = [story for story in stories if now - story["at"] <= KEEP]
        known = next((s for s in stories if story_id in s["keys"]), None)
        known = known or next((s for s in stories if text in s["keys"]), None)
        fresh = known is None
        if known is None:
            known = {"at": now, "keys": set(), "symbols": set()}
            stories.append(known)
        known["keys"] |= {key for key in (story_id, text) if not any(key in s["keys"] for s in stories)}
        new = [] if name in known["symbols"] else [name]
        known["symbols"].add(name)
        assert memory.hear(story_id, text, [name], now) == (new if fresh or new else None)
