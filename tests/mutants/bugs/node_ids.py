"""Short names for the test files that have to catch the bugs."""

from collections.abc import Callable

Named = Callable[..., tuple[str, ...]]


def _of(file: str) -> Named:
    def named(*tests: str) -> tuple[str, ...]:
        return tuple(f"tests/{file}.py::{test}" for test in tests)

    return named


EVIDENCE = _of("unit/trading/orders/test_evidence")
PROTECTION = _of("unit/trading/orders/test_protection")
BRACKET = _of("unit/trading/orders/test_bracket")
LIFECYCLE = _of("unit/trading/orders/test_lifecycle")
LEDGER = _of("unit/trading/account/test_ledger")
GATE = _of("unit/trading/risk/test_gate")
SIZING = _of("unit/trading/risk/test_sizing")
INTENTS = _of("unit/storage/journal/test_intents")
REQUESTS = _of("unit/bridge/test_requests")
EXECUTION = _of("unit/services/execution/test_execution_service")
DOUBT = _of("unit/services/execution/test_doubt")
EXITS = _of("unit/services/execution/test_exits_in_doubt")
ENTRY_GATE = _of("unit/services/execution/test_entry_gate")
RESTING = _of("unit/services/execution/test_market_orders_that_rest")
MARGINS = _of("unit/services/execution/test_margins")
RECONCILIATION = _of("unit/services/execution/test_reconciliation")
MEMORY = _of("unit/services/execution/test_memory_of_entries")
POSITIONS = _of("unit/services/positions/test_position_manager")
COMMANDS = _of("gateway/test_commands_and_orders")
UNSTARTED = _of("gateway/test_unstarted_engine")
CASES = _of("unit/services/execution/test_evidence_cases")
PRICES = _of("unit/trading/test_prices")
CONVERT = _of("unit/bridge/test_convert")
PACING = _of("unit/bridge/test_pacing")
WAYS_OUT = _of("unit/services/execution/test_ways_out")
CLOCK_WATCH = _of("unit/runtime/engine/test_clock_watch")
BRIDGE_ORDERS = _of("unit/bridge/test_orders")
ORDER_SAFETY = _of("unit/services/execution/test_order_safety")
UNDONE = _of("unit/services/execution/test_undone_sales")
TIME_EXIT = _of("unit/services/execution/test_time_exit")
TRAIL = _of("unit/services/execution/test_trailing_stop")
TRAIL_WIRE = _of("gateway/test_trailing_stop")
JUDGED = _of("unit/config/test_judged")
TIME_EXIT_RULES = _of("unit/trading/orders/test_time_exit")
INQUIRIES = _of("gateway/test_inquiries")
IDENTITY = _of("unit/runtime/ownership/test_engine_identity")
VOUCHING = _of("unit/runtime/engine/test_vouching")
EVERY_ANSWER = _of("unit/bridge/test_every_answer")
WIRE = _of("gateway/test_evidence_over_the_wire")
PAGE = _of("unit/notebook/page/test_page")
PAGE_OUTSIDE = _of("hostile/network/test_page")
FOLLOWED = _of("chaos/test_held_loop")
WATCHDOG = _of("unit/runtime/watchdog/test_watchdog")
LOOK_BACK = _of("unit/notebook/review/test_review")
LOOK_BACK_OUTSIDE = _of("unit/notebook/review/test_review_outside")
METRICS = _of("unit/runtime/endpoint/test_metrics")
WORLDS = _of("chaos/orders/test_worlds")
STATE_FOLDERS = _of("hostile/who_looks/test_state_folders")
NEWS = _of("unit/services/news/test_news_handler")
