"""A session's look at the gateway's own settings, once it begins: what is wrong there is told to a person."""

import structlog

from momentum_kit.errors import BrokerError
from momentum_kit.runtime.doctor import Grade, judge_settings
from momentum_kit.runtime.engine.session_state import SessionState
from momentum_kit.runtime.inquiries import InquiryDesk

SETTINGS_FROM = 219  # server version that tells them
log = structlog.get_logger("engine")


async def look_at_settings(desk: InquiryDesk, session_state: SessionState) -> None:
    """An alarm for what keeps orders or sizes from being right, an incident for what a person should know."""
    try:
        settings = await desk.gateway_settings()
    except BrokerError as error:
        log.warning("gateway settings not read", error=str(error))
        return
    for finding in judge_settings(settings):
        if finding.grade is Grade.PROBLEM:
            session_state.alarm("gateway setting", f"{finding.found}: {finding.advice}")
        elif finding.grade is Grade.WARNING:
            session_state.incident("gateway setting", f"{finding.found}: {finding.advice}")
