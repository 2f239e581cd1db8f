"""SQLite files of a session: the append-only journal, the durable intents, and read-only questions to them."""
