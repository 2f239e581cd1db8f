"""SQLite and Parquet at the edge: intents, journal, archive."""
