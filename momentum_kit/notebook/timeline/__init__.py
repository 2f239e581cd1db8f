"""The picture of a session on one New York time axis."""
