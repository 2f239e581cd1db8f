"""What a session leaves for a human to do, in words; the last section of the flight log, and its first line."""

from collections.abc import Sequence

from momentum_kit.models import TradingState
from momentum_kit.notebook.flight_log.facts import Facts
from momentum_kit.notebook.flight_log.incidents import Episode
from momentum_kit.notebook.flight_log.result import signal_departure

ALWAYS = {  # kinds of incidents that somebody has to look at even after they are over, and why
    "failure": "read the runbook's entry before the next session",
    "protection": "find out why a position was without its stop",
    "flatten": "find out why it did not end flat in time",
    "kill": "make room on the disk, then kill again or clear",
    "disk": "make room on the disk before the next session",
    "doubt": "compare this order with the broker's own record",
    "reconcile": "compare these shares with the broker's own record",
    "recorder": "the day's recording is not whole",
    "unreadable": "the gateway sent what this version cannot read",
    "unknown code": "add the code to config/error_codes.yaml",
    "session conflict": "somebody else uses this user name",
    "daily loss": "decide whether to trade tomorrow",
}
FREQUENT = 3  # of the same kind are told by their number


def needs_a_human(facts: Facts, incidents: Sequence[Episode]) -> list[str]:
    """One sentence each; empty where nothing is left to do."""
    return [*_held(facts), *_incidents(incidents), *_kernels(facts), *_expectation(facts)]


def _held(facts: Facts) -> list[str]:
    status = facts.status
    if status is None:
        return ["The engine ended without a last word: look at the broker's own positions and orders now."]
    needs = []
    if status.positions:
        held = ", ".join(f"{view.quantity:g} {view.symbol}" for view in status.positions)
        needs.append(
            f"Held at the end: {held}. Their stops rest at the broker; start again to take over, or close them."
        )
    if status.state is TradingState.KILLED:
        needs.append("The account is latched as killed: momentum-kit clear, once you know why.")
    return needs


def _incidents(incidents: Sequence[Episode]) -> list[str]:
    needs = []
    for kind in dict.fromkeys(each.kind for each in incidents):
        ours = [each for each in incidents if each.kind == kind]
        if kind in ALWAYS:
            more = f" (and {len(ours) - FREQUENT} more)" if len(ours) > FREQUENT else ""
            texts = "; ".join(each.text for each in ours[:FREQUENT])
            needs.append(f"{kind}: {texts}{more}: {ALWAYS[kind]}.")
        elif any(each.open for each in ours):
            needs.append(f"{kind}: {next(each.text for each in ours if each.open)}: it had not ended with the session.")
    return needs


def _kernels(facts: Facts) -> list[str]:
    if not facts.deaths:
        return []
    return [f"The notebook's kernel died {len(facts.deaths)} times: {facts.deaths[-1].words}."]


def _expectation(facts: Facts) -> list[str]:
    needs = []
    if side := signal_departure(facts):
        needs.append(f"Too {side} signals for what research promised: these thresholds were made for another market.")
    export = facts.config.thresholds.export
    if export and export.verdict != "accept":
        needs.append(
            f"The thresholds were exported with the verdict '{export.verdict}': {export.despite or 'no reason'}."
        )
    if facts.status and facts.status.thresholds_changed:
        needs.append("The thresholds were changed during the session: keep the set that you want, or revert it.")
    return needs
