"""The compiled twin of detection.live: many items, days and thresholds at once, held equal to it by tests."""
