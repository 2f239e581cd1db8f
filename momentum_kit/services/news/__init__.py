"""The first service: headlines become news items tied to contracts."""
