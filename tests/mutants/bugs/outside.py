"""Bugs about who looks from outside: the watchdog of an engine that hangs, the dead man's switch, who moves folders."""

from tests.mutants.bugs.node_ids import IDENTITY, NEWS, STATE_FOLDERS, VOUCHING
from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "a watchdog ends whoever has the process id by now",
        "runtime/ownership/engine_identity.py",
        "    if not known.born or birth_of(known.pid) != known.born:\n",
        "    if False:\n",
        IDENTITY("test_a_process_that_was_born_at_another_time_is_left_alone"),
    ),
    Mutant(
        "a watchdog ends the engine that has taken over",
        "runtime/ownership/engine_identity.py",
        "if address.pid != known.pid or not hmac.compare_digest(address.token, known.token):",
        "if address.pid != known.pid:",
        IDENTITY("test_an_engine_that_has_taken_over_since_is_left_alone"),
    ),
    Mutant(
        "a ping goes out while the gateway is away",
        "runtime/engine/vouching.py",
        '        "no gateway": health.socket is not LinkState.UP,\n',
        "",
        VOUCHING("test_nobody_is_pinged_while_something_is_not_well"),
    ),
    Mutant(
        "a ping goes out while nobody can be reached",
        "runtime/engine/vouching.py",
        "        alerts_trouble: bool(alerts_trouble),\n",
        "",
        VOUCHING("test_nobody_is_pinged_while_something_is_not_well"),
    ),
    Mutant(
        "a kill is lifted by who moves the whole state folder",
        "runtime/ownership/second_place.py",
        "    return (beside,) if shared or not os.access(above.parent, os.W_OK) else (beside, above)\n",
        "    return (beside,)\n",
        STATE_FOLDERS("test_a_kill_stands_where_the_folder_is_gone"),
    ),
    Mutant(
        "a second engine starts after the whole state folder was moved",
        "runtime/ownership/second_place.py",
        "any(map(_is_held, _places(folder, LOCK)))",
        "_is_held(_places(folder, LOCK)[0])",
        STATE_FOLDERS("test_no_second_engine_starts_where_the_first_ones_folder_was_moved"),
    ),
    Mutant(
        "a clear leaves the kill above the state folder",
        "runtime/ownership/second_place.py",
        "    for file in _places(folder, KILLED):\n        try:\n",
        "    for file in _places(folder, KILLED)[:1]:\n        try:\n",
        STATE_FOLDERS("test_a_kill_stands_where_the_folder_is_gone"),
    ),
    Mutant(
        "a headline at which a rule fails ends the session",
        "services/news/news_handler.py",
        "        except Exception as error:  # noqa: BLE001  (a stranger's text",
        "        except ZeroDivisionError as error:  # noqa: BLE001  (a stranger's text",
        NEWS("test_a_text_at_which_a_rule_fails_costs_itself_alone"),
    ),
)
