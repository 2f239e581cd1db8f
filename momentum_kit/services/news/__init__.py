"""The first service: headlines become news items tied to contracts."""

from momentum_kit.services.news.news_handler import NewsHandler

__all__ = ["NewsHandler"]
