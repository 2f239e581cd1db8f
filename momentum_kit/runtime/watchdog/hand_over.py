"""HandOver: locks that count an account as owned from an engine's death until its watchdog has another one listen.

A lock belongs to whatever processes have its descriptor: the engine opens the files, hands the descriptors to its
watchdog and takes the locks, so that they stand through its death, and nobody sees the account without an owner
in between. A fresh engine's watchdog runs before the one before lets go.
"""

import os
import time
from collections.abc import Sequence

from momentum_kit.errors import GuardRefused
from momentum_kit.file_locks import try_lock

RETRY_S = 0.01


class HandOver:
    """The descriptors; none where the policy starts no other engine."""

    def __init__(self, descriptors: Sequence[int] = ()) -> None:
        self.descriptors = tuple(descriptors)

    def take(self, patience_s: float) -> None:
        """Hold the locks, once more or from now on; GuardRefused where another one does so for so long."""
        deadline = time.monotonic() + patience_s
        for descriptor in self.descriptors:
            while not try_lock(descriptor):
                if time.monotonic() >= deadline:
                    raise GuardRefused("another watchdog hands this account over")
                time.sleep(RETRY_S)

    def release(self) -> None:
        """The account is owned by whoever owns it; again is no harm."""
        descriptors, self.descriptors = self.descriptors, ()
        for descriptor in descriptors:
            os.close(descriptor)
