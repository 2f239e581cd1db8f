"""A run against its replay: what differs, told in words."""
