"""What a session received: written down as it came, and turned into archive rows afterwards."""

from momentum_kit.storage.recording.conversion import convert_recording
from momentum_kit.storage.recording.recorder import FILE, ArticleAnswer, Connected, HistoryAnswer, Recorder, Watched

__all__ = ["FILE", "ArticleAnswer", "Connected", "HistoryAnswer", "Recorder", "Watched", "convert_recording"]
