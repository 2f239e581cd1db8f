"""The third service and only sender of orders: entries, protection, exits, recovery from broker truth."""
