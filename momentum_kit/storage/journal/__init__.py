"""SQLite files of a session: the append-only journal, the durable intents, and read-only questions to them."""

from momentum_kit.storage.journal.encoding import to_json
from momentum_kit.storage.journal.intents import SqliteIntents, intents_file, unresolved_symbols
from momentum_kit.storage.journal.journal import SqliteJournal, is_journal
from momentum_kit.storage.journal.sqlite import open_database, query, read, readable
from momentum_kit.storage.journal.summary import decisions_digest, latest, summarise

__all__ = [
    "SqliteIntents",
    "SqliteJournal",
    "decisions_digest",
    "intents_file",
    "is_journal",
    "latest",
    "open_database",
    "query",
    "read",
    "readable",
    "summarise",
    "to_json",
    "unresolved_symbols",
]
