import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.detection.news import StoryMemory, SymbolMaster, Telling, read_headline, same_story

NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
KEEP = timedelta(hours=24)
MASTER = SymbolMaster({"ACME": "Acme Therapeutics Inc", "GLBX": "Globex Corp"})
PAIRS = Path(__file__).resolve().parents[3] / "evaluation"


def telling(text, article_id="", symbols=None):
    """A headline as the memory compares it; without an article id its words are its id."""
    found = Telling.of(read_headline(text, article_id=article_id, master=MASTER))
    return found if symbols is None else replace(found, symbols=symbols, named=symbols)


def test_a_story_is_new_once():
    """The second feed brings nothing new, unless it names another company."""
    memory = StoryMemory(KEEP)
    first = memory.hear(telling("Acme (ACME) wins a large contract today", "BZ$11111111"), NOON)
    assert (first.known, first.new, first.story_id) == (False, ("ACME",), "11111111")
    again = memory.hear(telling("Nothing of the kind", "FLY$11111111", ["ACME"]), NOON)
    assert (again.known, again.new) == (True, ())
    other = memory.hear(telling("Acme (ACME) wins a large contract today", "FLY$22222222", ["ACME", "GLBX"]), NOON)
    assert (other.known, other.new, other.symbols, other.story_id) == (True, ("GLBX",), 2, "11111111")


WORDINGS = (
    "Acme Therapeutics (ACME) Prices 4M Share Offering At $2.50/Share",
    "Acme Therapeutics, Inc. (NASDAQ: ACME) Announces Pricing of 4,000,000 Share Public Offering at $2.50 per Share",
    "ACME THERAPEUTICS (ACME) PRICES 4M SHARE OFFERING",
    "Acme Thera (ACME) prices public offering of 4,000,000 common shares at $2.50",
    "Acme (ACME) announces pricing of $10 million public offering, 4M shares at $2.50",
    "UPDATE: Acme Therapeutics (ACME) Prices 4M Share Offering At $2.50/Share",
)


def test_six_wordings_are_one_story():
    """Whoever tells it and in whichever words: the first arrival is kept with its id."""
    memory = StoryMemory(KEEP)
    heard = [
        memory.hear(telling(text, f"DJ${number:08d}"), NOON + timedelta(seconds=number))
        for number, text in enumerate(WORDINGS)
    ]
    assert [each.known for each in heard] == [False, True, True, True, True, True]
    assert {each.story_id for each in heard} == {"00000000"}


@pytest.mark.parametrize(
    "text",
    [
        "Acme Therapeutics (ACME) Prices 5M Share Offering At $2.50/Share",
        "Acme Therapeutics (ACME) Announces Proposed Public Offering",
        "Acme Therapeutics (ACME) Closes 4M Share Offering At $2.50/Share",
        "Acme Therapeutics (ACME) Withdraws 4M Share Offering At $2.50/Share",
        "Acme Therapeutics (ACME) Prices Second 4M Share Offering At $2.50/Share",
        "Globex (GLBX) Prices 4M Share Offering At $2.50/Share",
        "Acme Therapeutics (ACME) Shares Fall On 4M Share Offering At $2.50",
        "Acme Therapeutics (ACME) wins $10M contract",
    ],
)
def test_what_differs_is_another_story(text):
    """Another number, stage, certainty, company or catalyst, and a recap of it."""
    memory = StoryMemory(KEEP)
    memory.hear(telling(WORDINGS[0], "BZ$1111aaaa"), NOON)
    assert not memory.hear(telling(text, "BZ$2222bbbb"), NOON).known


def test_a_company_found_later_makes_a_told_story_new():
    """The first wording named nobody, so that nothing could be judged."""
    memory = StoryMemory(KEEP)
    memory.hear(telling("Regulator clears implant of small maker", "BZ$3333cccc"), NOON)
    heard = memory.hear(telling("Regulator clears Acme implant (ACME)", "BZ$3333cccc"), NOON)
    assert (heard.known, heard.new) == (True, ("ACME",))


def test_a_feeds_hint_makes_no_story_of_the_company():
    """A headline that does not name it was tied to it by its feed, perhaps wrongly: its own story is still new."""
    memory = StoryMemory(KEEP)
    tied = Telling.of(read_headline("Study of implant met its primary endpoint", contract_symbol="ACME", master=MASTER))
    memory.hear(replace(tied, symbols=("ACME",), named=()), NOON)
    assert not memory.hear(telling("Acme (ACME) implant study met its primary endpoint", "BZ$4444dddd"), NOON).known


def test_a_story_is_forgotten_after_the_time_set():
    """Also under words by which it became known later."""
    memory = StoryMemory(KEEP)
    words, others = "the one story in its very first words", "the same story in quite other words"
    memory.hear(telling(words, "BZ$aaaa1111", ["ACME"]), NOON)
    memory.hear(telling(others, "BZ$aaaa1111", ["ACME"]), NOON + timedelta(hours=20))
    assert memory.hear(telling(others, "BZ$bbbb2222", ["ACME"]), NOON + KEEP).known
    after = NOON + KEEP + timedelta(seconds=1)
    assert not memory.hear(telling(others, "BZ$cccc3333", ["ACME"]), after).known
    assert len(memory) == 1


@pytest.mark.parametrize("half", ["dev", "test"])
def test_pairs_written_by_others_are_kept_apart(half):
    """Of a hundred pairs that look alike and are two stories, at least 97 in 100 stay two."""
    rows = [json.loads(line) for line in (PAIRS / f"pairs_{half}.jsonl").read_text(encoding="utf-8").splitlines()]
    apart = [not same_story(read_headline(row["a"]), read_headline(row["b"])) for row in rows if not row["same"]]
    assert sum(apart) / len(apart) >= 0.97


def test_the_memory_gives_back_what_it_forgets():
    """Ten thousand stories through a memory of one hour leave an hour of them, each still found."""
    memory = StoryMemory(timedelta(hours=1))
    for second in range(0, 100_000, 10):
        memory.hear(
            telling(f"Story number {second} of many about nobody", f"BZ${second:08d}", []),
            NOON + timedelta(seconds=second),
        )
    assert len(memory) == 361
    assert memory.hear(telling("x", "BZ$00099990", []), NOON + timedelta(seconds=99_999)).known
    assert not memory.hear(telling("x", "BZ$00000000", []), NOON + timedelta(seconds=99_999)).known


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3), st.integers(0, 400)), max_size=40))
def test_it_remembers_exactly_what_is_young_enough(heard):
    """As a list that is searched from end to end for stories no older than the time set."""
    memory, stories, now = StoryMemory(KEEP), [], NOON
    for number, words, symbol, minutes in heard:
        now += timedelta(minutes=minutes)
        story_id, text, name = f"s{number:07d}", f"one two three four five {words}", f"SYM{symbol}"
        stories = [story for story in stories if now - story["at"] <= KEEP]
        known = next((s for s in stories if story_id in s["keys"]), None)
        known = known or next((s for s in stories if text in s["keys"]), None)
        fresh = known is None
        if known is None:
            known = {"at": now, "keys": set(), "symbols": set()}
            stories.append(known)
        known["keys"] |= {key for key in (story_id, text) if not any(key in s["keys"] for s in stories)}
        new = () if name in known["symbols"] else (name,)
        known["symbols"].add(name)
        told = memory.hear(telling(text, f"BZ${story_id}", [name]), now)
        assert (told.known, told.new) == (not fresh, new)
