"""The simulated broker: account, orders and their lives, matching, and the open questions about the real one."""
