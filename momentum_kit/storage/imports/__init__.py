"""Foreign files to the archive: CSV, Parquet and QuantConnect Lean; one bad row imports nothing."""
