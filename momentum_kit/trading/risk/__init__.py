"""Before an order, pure: its size, and every limit it must pass."""
