"""How long a session has been on its way to flat; asked by the engine between two beats."""

from time import monotonic


class WayOut:
    """why: the reason for which every position is on its way out; empty if they are not."""

    def __init__(self, limit_s: float) -> None:
        self.why = ""
        self._limit_s = limit_s
        self._since = 0.0
        self._told = False

    def take(self, why: str) -> None:
        """From now on every position is on its way out."""
        self.why, self._since, self._told = why, monotonic(), False

    def abandon(self) -> None:
        """No more."""
        self.why = ""

    @property
    def seconds(self) -> float:
        """Wall seconds since it was taken."""
        return monotonic() - self._since

    @property
    def late(self) -> bool:
        """True once it takes longer than a flatten may."""
        return self.seconds >= self._limit_s

    def first_late(self) -> bool:
        """True once, for a human who must be told."""
        first = self.late and not self._told
        self._told = self._told or first
        return first
