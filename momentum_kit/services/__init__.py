"""The four asyncio services between the queues; they know ports only."""
