"""Seeded markets of known truth, as archives."""
