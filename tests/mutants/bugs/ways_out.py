"""Bugs about the way to flat: asked until gone, over when the broker says so, and time that jumps."""

from tests.mutants.bugs.node_ids import CLOCK_WATCH, WAYS_OUT
from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "an exit is asked for once, whatever becomes of it",
        "services/positions/position_manager.py",
        "if con_id in self._asked and (self._leaving(con_id) or not self._exit_requests.empty()):",
        "if con_id in self._asked:",
        WAYS_OUT("test_shares_that_come_after_the_exit_are_sold_as_well"),
    ),
    Mutant(
        "a kill is over while the position's row still has shares",
        "services/execution/witnesses.py",
        "return not evidence.held and evidence.position == evidence.foreign",
        "return not evidence.held",
        WAYS_OUT("test_flat_is_what_every_witness_says"),
    ),
    Mutant(
        "a list that was asked for before the sleep is taken for a new one",
        "services/execution/questions.py",
        "if answer.asked_in != self._rounds or answer.kind not in self._owed:",
        "if answer.kind not in self._owed:",
        WAYS_OUT("test_after_a_sleep_entries_wait_for_lists_that_were_asked_for_since"),
    ),
    Mutant(
        "a quote from before the sleep is fresh",
        "services/execution/entry_facts.py",
        " or heard_ns < self._witnesses.heard_since_ns",
        "",
        WAYS_OUT("test_after_a_sleep_entries_wait_for_lists_that_were_asked_for_since"),
    ),
    Mutant(
        "a quote from the future is fresh",
        "services/execution/entry_facts.py",
        "age = (now - received_at).total_seconds()\n    return age if age >= 0 else NAN",
        "return (now - received_at).total_seconds()",
        WAYS_OUT("test_a_quote_from_the_future_is_of_unknown_age"),
    ),
    Mutant(
        "a clock that is set back is not noticed",
        "runtime/engine/clock_watch.py",
        "if abs(step_s) > STEP_S:",
        "if step_s > STEP_S:",
        CLOCK_WATCH("test_a_wall_clock_that_is_set_is_told_with_the_numbers"),
    ),
)
