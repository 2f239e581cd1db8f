"""Studies on archives with the very functions that trade."""
