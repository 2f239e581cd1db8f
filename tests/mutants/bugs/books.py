"""Bugs about our own books: executions, ledger, costs, intents."""

from tests.mutants.bugs.node_ids import CASES, EXECUTION, INTENTS, LEDGER, POSITIONS, RECONCILIATION
from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "executions are not written down",
        "services/positions/position_manager.py",
        "        if ours:\n            self._write_down(execution)\n",
        "",
        RECONCILIATION("test_shares_of_earlier_days"),
    ),
    Mutant(
        "what was written down is not read",
        "services/positions/position_manager.py",
        "for execution in self._context.intents.executions(references):",
        "for execution in ():",
        RECONCILIATION("test_shares_of_earlier_days"),
    ),
    Mutant(
        "a sale of its own reference does not say what bought its shares",
        "services/execution/order_desk.py",
        "        entry_id=entry.first_entry_id,\n",
        "",
        RECONCILIATION("test_shares_of_earlier_days_that_were_sold_today"),
    ),
    Mutant(
        "what our own book has is a stranger's once the owner's id is lost",
        "services/positions/position_manager.py",
        "is_ours(execution.order_ref, self._context.owner) or written or forced",
        "is_ours(execution.order_ref, self._context.owner) or forced",
        RECONCILIATION("test_what_our_own_book_has_is_ours_under_another_owners_id"),
    ),
    Mutant(
        "other people's executions are ours",
        "services/positions/position_manager.py",
        "ours = is_ours(execution.order_ref, self._context.owner) or written or forced",
        "ours = True",
        POSITIONS("test_other_peoples_fills_are_recorded_not_owned"),
    ),
    Mutant(
        "the broker's forced sale is not ours",
        "services/positions/position_manager.py",
        "ours = is_ours(execution.order_ref, self._context.owner) or written or forced",
        "ours = is_ours(execution.order_ref, self._context.owner) or written",
        POSITIONS("test_a_liquidation_is_ours_and_is_shouted"),
    ),
    Mutant(
        "what is held by the broker's word alone is not flattened",
        "services/positions/position_manager.py",
        "held = {contract.con_id: contract for contract in also}",
        "held = dict[int, Contract]()",
        POSITIONS("test_one_symbol_is_asked_to_go_by_whoever_knows_of_it"),
    ),
    Mutant(
        "a wall clock that is set back makes a holding younger",
        "services/positions/position_manager.py",
        "age_s = max((beat.now - holding.opened_at).total_seconds(), elapsed - seen_at)",
        "age_s = (beat.now - holding.opened_at).total_seconds()",
        CASES("test_a_holding_gets_no_younger_by_a_clock_set_back"),
    ),
    Mutant(
        "a position outlives the session's close",
        "services/positions/position_manager.py",
        "if 0 < left <= self._exits.flat_before_close_s:",
        "if False:",
        POSITIONS("test_flat_before_the_close"),
    ),
    Mutant(
        "an execution that was corrected stands as it was",
        "trading/account/ledger.py",
        "if known is not None and known.correction >= execution.correction:",
        "if known is not None:",
        LEDGER("test_a_correction_replaces"),
    ),
    Mutant(
        "executions belong to an order by its id alone",
        "trading/account/ledger.py",
        "(e.perm_id == perm_id if perm_id and e.perm_id else e.order_id == order_id)",
        "e.order_id == order_id",
        LEDGER("test_order_ids_that_begin_anew_are_other_orders"),
    ),
    Mutant(
        "a commission that is nan is summed",
        "trading/costs.py",
        "        if not math.isfinite(report.commission_usd):\n            return None\n",
        "",
        LEDGER("test_a_cost_that_nobody_told_is_estimated_and_marked"),
    ),
    Mutant(
        "a commission in yen is summed as dollars",
        "trading/costs.py",
        'if currency == "USD":\n            return 1.0',
        "if True:\n            return 1.0",
        LEDGER("test_a_cost_that_nobody_told_is_estimated_and_marked"),
    ),
    Mutant(
        "an intent of unknown outcome counts as done",
        "storage/journal/intents.py",
        "[IntentState.CLOSED.value, IntentState.REFUSED.value]",
        "[IntentState.CLOSED.value, IntentState.UNKNOWN.value]",
        INTENTS("test_resolved_intents_are_not_listed"),
    ),
    Mutant(
        "an intent waits in memory while its orders go out",
        "storage/journal/intents.py",
        'INTENTS, INTENTS_ID, "FULL"',
        'INTENTS, INTENTS_ID, "OFF"',
        INTENTS("test_every_commit_reaches_the_disk"),
    ),
    Mutant(
        "an earlier day's profit pays for today's losses",
        "services/execution/entry_facts.py",
        "day_pnl_usd=self._ledger.net_usd_on(today)",
        "day_pnl_usd=self._ledger.realised_usd - self._ledger.costs_usd",
        EXECUTION("test_a_day_s_limit_begins_anew_with_the_day"),
    ),
)
