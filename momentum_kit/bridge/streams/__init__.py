"""Streams and the subscriptions that feed them: what a service reads with `async for`."""
