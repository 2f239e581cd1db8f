"""The world besides the broker: AI reader, alerts."""
