"""The fourth service: fills to ledger and journal, exits by time, broker truth at the start."""
