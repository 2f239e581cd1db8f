"""Bugs about the stop that trails at the broker: its level, its form in each session, and that it is known."""

from tests.mutants.bugs.node_ids import JUDGED, TRAIL, TRAIL_WIRE
from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "a change of size takes a trailing stop back to where it began",
        "services/execution/stop_forms.py",
        "replace(resized, stop_price=self.level(bracket), trailing_usd=trail)",
        "replace(resized, stop_price=bracket.intent.stop_price, trailing_usd=trail)",
        TRAIL("test_a_change_of_its_size_never_loosens_it"),
    ),
    Mutant(
        "a change of size forgets by how much a stop trails",
        "services/execution/stop_forms.py",
        "trail = resized.trailing_usd or bracket.intent.trail_usd",
        "trail = resized.trailing_usd",
        TRAIL("test_after_a_restart_it_is_our_stop_at_its_level"),
    ),
    Mutant(
        "what an echo tells of a trail is not heard",
        "services/execution/order_desk.py",
        "leg.request = trailed(leg.request, order.request)",
        "pass",
        TRAIL("test_a_change_of_its_size_never_loosens_it"),
    ),
    Mutant(
        "a late echo takes the level of a trail back",
        "trading/orders/bracket.py",
        "level = max(ours.stop_price or 0.0, told.stop_price or 0.0) or None",
        "level = told.stop_price",
        TRAIL("test_a_change_of_its_size_never_loosens_it"),
    ),
    Mutant(
        "the level is forgotten when the form changes",
        "services/execution/guardian.py",
        "stop_price=self._stop_forms.level(bracket),",
        "stop_price=bracket.intent.stop_price,",
        TRAIL("test_over_the_close_and_back"),
    ),
    Mutant(
        "the old stop goes before the list has told where it stood",
        "services/execution/stop_forms.py",
        'if stop.request.order_type == "TRAIL":\n            self._desk.mark_uncertain',
        "if False:\n            self._desk.mark_uncertain",
        TRAIL("test_the_old_one_stays_until_the_list_has_told_where_it_stood"),
    ),
    Mutant(
        "a trailing stop sleeps outside regular hours",
        "trading/orders/bracket.py",
        "return stop.order_type == form or awake",
        'return stop.order_type in (form, "TRAIL") or awake',
        TRAIL("test_over_the_close_and_back"),
    ),
    Mutant(
        "a stop that may have fired with the bell is replaced at once",
        "services/execution/stop_forms.py",
        "SUITS_LATE_S = 2.0",
        "SUITS_LATE_S = 0.0",
        TRAIL("test_a_stop_that_fires_with_the_bell_is_not_sold_once_more"),
    ),
    Mutant(
        "a stop is replaced while the market is about to meet it",
        "services/execution/stop_forms.py",
        "quote.bid - level > trail / 2",
        "quote.bid > 0",
        TRAIL("test_over_the_close_and_back"),
    ),
    Mutant(
        "found unwritten, a trailing stop is taken for an exit",
        "services/execution/reconciliation.py",
        'request.order_type in ("STP", "STP LMT", "TRAIL")',
        'request.order_type in ("STP", "STP LMT")',
        TRAIL("test_one_that_nothing_written_down_explains_is_a_stop"),
    ),
    Mutant(
        "after a restart a trailing stop is taken for a target",
        "services/execution/reconciliation.py",
        'in ("LMT", "MKT") else "stop"',
        'in ("LMT", "MKT", "TRAIL") else "stop"',
        TRAIL("test_it_is_the_stop_of_its_intent_whatever_its_id"),
    ),
    Mutant(
        "a trailing stop that was refused is tried again and again",
        "trading/orders/bracket.py",
        "return self.intent.trail_usd is not None and not any(leg.refused_to_trail for leg in self.stops)",
        "return self.intent.trail_usd is not None",
        TRAIL("test_where_it_is_refused_a_plain_stop_rests_and_a_human_is_told"),
    ),
    Mutant(
        "an exit turns the target while a trailing stop sells",
        "services/execution/exit_desk.py",
        'stop.request.order_type not in ("STP", "TRAIL")',
        'stop.request.order_type not in ("STP",)',
        TRAIL("test_an_exit_leaves_it_alone_and_turns_the_target"),
    ),
    Mutant(
        "the distance of a trail does not go out",
        "bridge/convert.py",
        "ib.auxPrice = request.trailing_usd",
        "pass",
        TRAIL_WIRE("test_a_trailing_stop_takes_what_the_price_had_reached"),
        quick=False,
    ),
    Mutant(
        "a strategy that was judged without a trail trades with one",
        "config/judged.py",
        '"exits.trail_r", "detection.baseline_sessions"',
        '"detection.baseline_sessions"',
        JUDGED("test_a_strategy_from_before_trails_refuses_a_session_that_trails"),
    ),
)
