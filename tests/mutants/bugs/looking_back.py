"""Bugs about what is shown of trades or told to a collector, and misleads whoever believes it."""

from tests.mutants.bugs.node_ids import LOOK_BACK, LOOK_BACK_OUTSIDE, METRICS, PAGE
from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "other exits are shown and counted afterwards, if at all",
        "notebook/review/other_exits.py",
        "    _count(trades, results, record)\n",
        "",
        LOOK_BACK("test_other_exits_are_counted_before_they_are_shown"),
    ),
    Mutant(
        "hindsight looks through minutes in which nobody looked",
        "notebook/review/hindsight.py",
        "        if at_s - before_s > LONGEST_GAP_S:\n            return None\n",
        "",
        LOOK_BACK_OUTSIDE("test_a_gap_is_unknown"),
    ),
    Mutant(
        "a collector's numbers are open to everybody",
        "notebook/page/page.py",
        'if not opens(request.headers.getall("Authorization", []), known):',
        "if False:",
        PAGE("test_a_collector_reads_numbers_by_a_token_that_opens_nothing_else"),
    ),
    Mutant(
        "a position without a stop is told as protected",
        "runtime/endpoint/metrics.py",
        "float(not math.isnan(view.stop_price))",
        "float(bool(view.stop_price))",
        METRICS("test_a_position_without_a_stop_is_told_as_unprotected"),
    ),
)
