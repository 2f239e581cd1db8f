"""Bugs about who looks from outside: the watchdog of an engine that hangs, the dead man's switch."""

from tests.mutants.bugs.node_ids import IDENTITY, VOUCHING
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
)
