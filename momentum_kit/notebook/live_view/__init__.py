"""What a person sees of a running session in panel and page: followed, kept short, as HTML; and how it is commanded."""

from momentum_kit.notebook.live_view.commands import CLOSABLE, SessionCommands, offered
from momentum_kit.notebook.live_view.engine_contact import EngineContact
from momentum_kit.notebook.live_view.rates import JudgedDecisions, expected_a_session
from momentum_kit.notebook.live_view.session_follower import SessionFollower
from momentum_kit.notebook.live_view.session_record import SessionRecord, last_verdict
from momentum_kit.notebook.live_view.views import (
    equity_curve,
    head,
    headlines_table,
    kill_words,
    log_tail,
    orders_table,
    signals_table,
)

__all__ = [
    "CLOSABLE",
    "EngineContact",
    "JudgedDecisions",
    "SessionCommands",
    "SessionFollower",
    "SessionRecord",
    "equity_curve",
    "expected_a_session",
    "head",
    "headlines_table",
    "kill_words",
    "last_verdict",
    "log_tail",
    "offered",
    "orders_table",
    "signals_table",
]
