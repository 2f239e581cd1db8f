"""One client of the simulated gateway: its requests, feeds and limits."""
