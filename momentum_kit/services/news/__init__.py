"""The first service: headlines become news items tied to contracts; and whether its tapes are heard."""

from momentum_kit.services.news.news_handler import NewsHandler
from momentum_kit.services.news.tape_record import TapeRecord
from momentum_kit.services.news.tape_watch import TapeWatch

__all__ = ["NewsHandler", "TapeRecord", "TapeWatch"]
