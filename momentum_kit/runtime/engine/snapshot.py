"""The engine's status as one frozen value, for the control endpoint and the last word of a session."""

import os
from collections.abc import Mapping
from datetime import datetime

from momentum_kit.models import EngineStatus
from momentum_kit.runtime.control import ThresholdState
from momentum_kit.runtime.engine.session_state import Standing
from momentum_kit.runtime.session import EngineContext, Session

SKIP = "skip: "  # counts that start so are skips by reason


def take_snapshot(
    context: EngineContext,
    session: Session,
    standing: Standing,
    started_at: datetime,
    tuning: ThresholdState,
    lags_s: Mapping[str, float],
    unwritten: int,
    started: bool,
) -> EngineStatus:
    """Everything a human asks of a session, as of now; unwritten: rows that the journal still buffers."""
    views = session.positions.views()
    counts = context.counts
    return EngineStatus(
        state=standing.state,
        reason=standing.reason,
        environment=context.config.environment,
        account=session.account,
        market_time=context.clock.now(),
        started_at=started_at,
        health=session.health,
        counts={name: n for name, n in counts.items() if not name.startswith(SKIP)},
        skips={name.removeprefix(SKIP): n for name, n in counts.items() if name.startswith(SKIP)},
        queues={**{name: queue.qsize() for name, queue in session.queues.items()}, "journal": unwritten},
        positions=views,
        realised_usd=session.ledger.realised_usd,
        unrealised_usd=sum(view.unrealised_usd for view in views),
        costs_usd=session.ledger.costs_usd,
        run_dir=str(context.run_dir),
        pid=os.getpid(),
        incidents=standing.incidents,
        state_since=standing.since,
        message_age_s=session.message_age_s,
        data_ages_s=session.data_ages_s,
        lags_s=dict(lags_s),
        thresholds_name=tuning.current.name,
        thresholds_hash=tuning.hash,
        thresholds_changed=bool(tuning.changes),
        started=started,
    )
