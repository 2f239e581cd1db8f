"""The engine: the process that trades, what a human commands, and what it says of itself."""
