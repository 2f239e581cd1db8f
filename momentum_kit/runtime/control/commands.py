"""What a human may command, and when: pure rules, asked by the engine before it obeys."""

from momentum_kit.models import TradingState

LEAVING = (TradingState.STOPPING, TradingState.KILLED)
WIND_DOWNS = {"flatten": TradingState.FLATTENING, "stop": TradingState.STOPPING, "kill": TradingState.KILLED}
COMMANDS = ("pause", "resume", "reduce_only", *WIND_DOWNS)
OF_A_SYMBOL = ("close", "adopt", "ignore")  # each is given with the symbol that it is for
REDUCING = frozenset((*COMMANDS, *OF_A_SYMBOL)) - {
    "resume",
    "adopt",
    "ignore",
}  # never too late, whoever gave them may have gone


def refusal(name: str, state: TradingState, started: bool, ended: bool, disk_full: bool) -> str:
    """Why one of the commands is refused just now; empty if it is not. A kill is refused only once it has happened.

    A stop while a kill is not done is a human's word that it shall end, flat or not.
    """
    if ended or (state is TradingState.KILLED and name != "stop"):
        return f"the session is {state}"
    if state is TradingState.STOPPING and name != "kill":
        return "the session is stopping"
    if name == "resume" and not started:
        return "the session was not started"
    if name == "resume" and disk_full:
        return "no entries while the journal cannot be written; make room on the disk first"
    return ""
