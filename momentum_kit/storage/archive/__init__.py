"""The Parquet archive: bars, quotes, headlines, executions and listings, each with its provenance."""
