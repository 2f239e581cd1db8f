"""HandOver: locks that count an account as owned from an engine's death until its watchdog has another one listen.

A lock belongs to whatever processes have its descriptor: the engine takes it and hands the descriptor to its watchdog,
so that it stands through the engine's death, and nobody sees the account without an owner in between. There are two a
name: a fresh engine takes the other one before the watchdog of the one before lets go.
"""

import os
from collections.abc import Sequence


class HandOver:
    """The locked descriptors; none where the policy starts no other engine."""

    def __init__(self, descriptors: Sequence[int] = ()) -> None:
        self.descriptors = tuple(descriptors)

    def release(self) -> None:
        """The account is owned by whoever owns it; again is no harm."""
        descriptors, self.descriptors = self.descriptors, ()
        for descriptor in descriptors:
            os.close(descriptor)
