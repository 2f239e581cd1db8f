"""From a candidate to a verdict: sealed days, folds, tests, stress, evidence, and the exported thresholds."""
