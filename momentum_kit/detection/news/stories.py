"""Which stories were heard, and for which symbols; so that no story is judged twice, live or in a study."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LEAST_WORDS = 5  # shorter headlines ("Announces results") are shared by different stories


@dataclass(slots=True)
class _Story:
    heard_at: datetime
    symbols: set[str] = field(default_factory=set)


class StoryMemory:
    """Remembers stories for `keep` after they were first heard, under their id and under their words."""

    def __init__(self, keep: timedelta) -> None:
        self._keep = keep
        self._stories: dict[str, _Story] = {}  # by id and by words
        self._oldest: list[tuple[datetime, str]] = []  # heap of when each key's story was first heard

    def hear(self, story_id: str, words: str, symbols: Iterable[str], now: datetime) -> list[str] | None:
        """Record a story; the symbols it had not been heard for, or None if it had been heard and has no new one."""
        self._forget(now)
        story = self._find(story_id, words)
        first = story is None
        if story is None:
            story = _Story(now)
        for key in _keys(story_id, words):
            if key not in self._stories:
                self._stories[key] = story
                heapq.heappush(self._oldest, (story.heard_at, key))
        new = [symbol for symbol in symbols if symbol not in story.symbols]
        story.symbols.update(new)
        return new if first or new else None

    def symbols(self, story_id: str, words: str) -> frozenset[str]:
        """Every symbol the story has been heard for."""
        story = self._find(story_id, words)
        return frozenset(story.symbols) if story else frozenset()

    def _find(self, story_id: str, words: str) -> _Story | None:
        known = (self._stories.get(key) for key in _keys(story_id, words))
        return next((story for story in known if story), None)

    def _forget(self, now: datetime) -> None:
        while self._oldest and now - self._oldest[0][0] > self._keep:
            del self._stories[heapq.heappop(self._oldest)[1]]


def _keys(story_id: str, words: str) -> list[str]:
    return [f"id {story_id}", f"words {words}"] if len(words.split()) >= LEAST_WORDS else [f"id {story_id}"]
