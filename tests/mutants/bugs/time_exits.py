"""Bugs about the time exit that rests at the broker: its hour, its size, and that nothing sells beside it."""

from tests.mutants.bugs.node_ids import TIME_EXIT, TIME_EXIT_RULES, WORLDS
from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "a time exit rests beyond the session's deadline",
        "trading/orders/time_exit.py",
        "session.close - timedelta(seconds=exits.flat_before_close_s)",
        "session.close",
        TIME_EXIT_RULES("test_the_hour_is_the_end_of_the_holding_time_or_the_sessions_deadline"),
    ),
    Mutant(
        "a time exit rests for an hour at which no market order trades",
        "trading/orders/time_exit.py",
        "return hour if session.contains(hour) and hour > ordered_at else None",
        "return hour",
        TIME_EXIT_RULES("test_no_time_exit_rests_where_a_market_order_could_not_sell"),
    ),
    Mutant(
        "a time exit stands outside the stop's group",
        "trading/orders/time_exit.py",
        "oca_group=oca_group(intent),",
        'oca_group="",',
        TIME_EXIT_RULES("test_the_leg_is_a_child_in_the_group_of_stop_and_target"),
    ),
    Mutant(
        "an exit sells beside a time exit that is about to",
        "services/execution/exit_desk.py",
        "if bracket.timed is not None and goes_first(bracket.timed, self._context.clock.now()):",
        "if False:",
        TIME_EXIT("test_about_its_hour_no_other_order_is_made_to_sell"),
    ),
    Mutant(
        "an exit waits for ever for a time exit that never wakes",
        "trading/orders/time_exit.py",
        "hour - AHEAD <= now < hour + PATIENCE",
        "hour - AHEAD <= now",
        TIME_EXIT("test_one_that_never_wakes_holds_up_no_exit"),
    ),
    Mutant(
        "a time exit that waits counts as a sale under way",
        "trading/orders/bracket.py",
        "return self.turned and self.state is OrderState.WORKING",
        "return True",
        TIME_EXIT("test_a_stop_rests_beside_one_that_only_waits"),
    ),
    Mutant(
        "a time exit that its group leaves behind keeps its size",
        "services/execution/guardian.py",
        "case Resize(leg) if move.shrinks and _left_behind(leg, moves)",
        "case Resize(leg) if False and _left_behind(leg, moves)",
        TIME_EXIT("test_an_exit_beside_one_that_its_group_leaves_behind"),
    ),
    Mutant(
        "nobody is told that no time exit rests",
        "services/execution/guardian.py",
        "if leg is None or not (leg.protecting or leg.turned):",
        "if leg is None:",
        TIME_EXIT("test_one_that_is_refused_is_told_and_changes_nothing"),
    ),
    Mutant(
        "after a restart a time exit is taken for a target",
        "services/execution/reconciliation.py",
        '        return "timed"  # nothing',
        '        return "target"  # nothing',
        TIME_EXIT("test_after_a_restart_it_is_known_and_left_at_its_hour"),
    ),
    Mutant(
        "a time exit stays beside shares of a person's own",
        "services/execution/guardian.py",
        ' and leg.role != "timed")',
        ")",
        WORLDS("test_a_time_exit_goes_when_all_is_sold_though_a_person_has_bought_some"),
    ),
    Mutant(
        "a time exit that has woken stays while a late row has what was sold",
        "services/execution/guardian.py",
        ' and leg.role != "timed")',
        ' and (leg.role != "timed" or leg.turned))',
        TIME_EXIT("test_one_that_has_woken_goes_when_all_is_sold_whatever_a_late_row_says"),
    ),
    Mutant(
        "a stop stands for shares that were sold long ago",
        "services/execution/witnesses.py",
        "return intent.quantity <= bought <= sold",
        "return False",
        WORLDS("test_what_is_left_of_a_position_that_is_sold_goes_though_a_person_has_bought_some"),
    ),
)
