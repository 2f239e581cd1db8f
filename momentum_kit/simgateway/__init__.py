"""A simulated TWS that speaks the real wire protocol; the official client is its judge."""
