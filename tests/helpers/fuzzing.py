"""How much a fuzz tries and by which draws: few and always the same in the suite, more and fresh by `make fuzz`."""

import os
import random

INPUTS, SEED = "MOMENTUM_KIT_FUZZ_INPUTS", "MOMENTUM_KIT_FUZZ_SEED"


def fuzz_inputs(usual: int) -> int:
    """How many; usual: in the suite."""
    return int(os.environ.get(INPUTS, usual))


def fuzz_draw(usual: int) -> random.Random:
    """Draws by the seed of a round, mixed with the test's own; usual: that own, alone in the suite."""
    given = os.environ.get(SEED)
    return random.Random(usual if given is None else f"{given} {usual}")
