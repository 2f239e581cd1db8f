"""What a person wrote to his trades: tags and a note a round trip, in notes.json of its session's folder.

They lie beside the journal and not in it, because a journal is the engine's and is never changed afterwards; so they
stay with the session wherever its folder goes, and every later review finds them.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from momentum_kit.errors import InputError, StorageError
from momentum_kit.file_locks import lock
from momentum_kit.json_text import parse_json
from momentum_kit.plain_text import plain_text
from momentum_kit.private_files import write_whole

FILE = "notes.json"
LONGEST_TAG, MOST_TAGS, LONGEST_NOTE = 30, 20, 2_000  # characters, tags a trade, characters


@dataclass(frozen=True, slots=True)
class TradeNotes:
    """Of one round trip."""

    tags: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        return "; ".join(filter(None, (", ".join(self.tags), self.note))) or "nothing noted"


NOTHING = TradeNotes()


def read_notes(run_dir: Path) -> dict[int, TradeNotes]:
    """By the number of the round trip in its journal; raises InputError where somebody spoilt the file."""
    file = run_dir / FILE
    try:
        content = parse_json(file.read_text(encoding="utf-8"))
        return {int(number): _notes(row) for number, row in content.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError, KeyError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{file}: not readable as notes ({words}); mend it, or move it away to begin anew") from None


def add_tags(run_dir: Path, number: int, tags: Iterable[str]) -> TradeNotes:
    """Tag a round trip; a tag that it has already stays once."""
    new = tuple(_tag(each) for each in tags)

    def added(notes: TradeNotes) -> TradeNotes:
        together = tuple(dict.fromkeys((*notes.tags, *new)))
        if len(together) > MOST_TAGS:
            raise InputError(f"{len(together)} tags at one trade; {MOST_TAGS} are the most")
        return TradeNotes(together, notes.note)

    return _change(run_dir, number, added)


def remove_tags(run_dir: Path, number: int, tags: Iterable[str]) -> TradeNotes:
    """Take tags away; raises InputError for one that is not there."""
    gone = {_tag(each) for each in tags}

    def without(notes: TradeNotes) -> TradeNotes:
        if strange := sorted(gone - set(notes.tags)):
            raise InputError(f"no tag {strange[0]!r} there; its tags: {', '.join(notes.tags) or 'none'}")
        return TradeNotes(tuple(each for each in notes.tags if each not in gone), notes.note)

    return _change(run_dir, number, without)


def write_note(run_dir: Path, number: int, words: str) -> TradeNotes:
    """Write a note, instead of the one that was there; empty words take it away."""
    if not isinstance(words, str):
        raise InputError(f"a note is a text, not {type(words).__name__}")
    if len(words) > LONGEST_NOTE:
        raise InputError(f"a note of {len(words):,} characters; {LONGEST_NOTE:,} are the most")
    text = plain_text(words, LONGEST_NOTE)
    return _change(run_dir, number, lambda notes: TradeNotes(notes.tags, text))


def _change(run_dir: Path, number: int, made: Any) -> TradeNotes:
    """Read, change and write as one: two people, or a notebook and a terminal, lose nothing of each other's."""
    with _alone(run_dir):
        known = read_notes(run_dir)
        notes: TradeNotes = made(known.get(number, NOTHING))
        kept = {each: asdict(value) for each, value in sorted({**known, number: notes}.items()) if value != NOTHING}
        try:
            write_whole(run_dir / FILE, json.dumps(kept, indent=1, ensure_ascii=False))
        except OSError as error:
            raise StorageError(f"{run_dir / FILE}: not written: {error.strerror}; the notes are as before") from None
    return notes


@contextmanager
def _alone(run_dir: Path) -> Iterator[None]:
    try:
        folder = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StorageError(f"{run_dir}: {error.strerror}") from None
    try:
        lock(folder)
        yield
    finally:
        os.close(folder)


def _tag(words: str) -> str:
    if not isinstance(words, str):
        raise InputError(f"a tag is a word, not {type(words).__name__}")
    tag = plain_text(words.strip())
    if not tag or "," in tag or len(tag) > LONGEST_TAG:
        raise InputError(f"{words[:40]!r} is no tag: 1 to {LONGEST_TAG} characters, and no comma")
    return tag


def _notes(row: Any) -> TradeNotes:
    tags, note = row["tags"], row["note"]
    if not isinstance(note, str) or not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        raise ValueError("tags are a list of words, a note is a text")
    cleaned = tuple(filter(None, (plain_text(each, LONGEST_TAG) for each in tags)))
    return TradeNotes(cleaned[:MOST_TAGS], plain_text(note, LONGEST_NOTE))
