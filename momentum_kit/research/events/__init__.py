"""Event tables: an archive's headlines tied to contracts, with features, gates and outcomes."""
