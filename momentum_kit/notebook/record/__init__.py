"""What a session left, or is leaving: its tables and pictures, its log in words, and many sessions side by side."""

from momentum_kit.notebook.record.record_tables import RecordTables
from momentum_kit.notebook.record.run import Run
from momentum_kit.notebook.record.runs import Runs
from momentum_kit.notebook.record.session_log import LogLine, SessionLog
from momentum_kit.notebook.record.snapshot import status_words

__all__ = ["LogLine", "RecordTables", "Run", "Runs", "SessionLog", "status_words"]
