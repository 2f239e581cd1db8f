"""Pure: from a headline and a tape to features, verdicts and a signal or a skip."""
