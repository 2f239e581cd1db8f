"""The top of the panel: whose money, which state, four lights, and in words what is wrong. Pure but for the link."""

from momentum_kit.notebook.html import MODES, STALE_S, banner, incidents, lights
from momentum_kit.notebook.panel.desk import Outcome
from momentum_kit.notebook.panel.link import Link
from momentum_kit.pages import Html, join, tag

STALE = (
    f"This panel has heard nothing from its kernel for {STALE_S} s: what stands below is OLD and its buttons may do "
    "nothing. The session goes on without it; in a terminal: momentum-kit status, momentum-kit kill."
)
LOOKS = {"bad": "mk-words mk-words-bad", "good": "mk-words", "info": "mk-words"}


def head(link: Link, environment: str, outcome: Outcome, beat: int) -> Html:
    """Everything above the buttons. beat: changes with every painting, which starts the browser's own watch anew."""
    gone, status = link.words(), link.status
    parts = [tag("div", STALE, "mk-stale", data_beat=beat)]
    if status is not None:
        parts += [
            banner(status, heard=not gone),
            tag("div", gone, LOOKS["bad"], role="alert") if gone else lights(status),
        ]
        parts.append(incidents(status.incidents))
    else:
        mode = tag("span", f"{MODES.get(environment, environment)}: no session", "mk-mode")
        parts += [tag("div", mode, f"mk-banner mk-mode-{environment}"), tag("div", gone or "connecting", LOOKS["bad"])]
    if outcome.words:
        parts.append(tag("div", outcome.words, LOOKS[outcome.kind], role="status", aria_live="polite"))
    return tag("div", join(parts), "mk-gone" if gone else "")
