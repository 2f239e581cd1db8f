"""Perm ids, exec ids and seeded coin tosses of the simulated broker: functions of the seed, never of wall time."""

from hashlib import blake2b


class OrderIds:
    """Draws ids; the same seed and the same sequence of orders give the same ids."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._perm_id = 1_000_000_000 + self._number("perm", 0) % 1_000_000_000

    def _number(self, *parts: object) -> int:
        digest = blake2b(repr((self._seed, *parts)).encode(), digest_size=8).digest()
        return int.from_bytes(digest)

    def perm_id(self) -> int:
        """The next perm id: consecutive, below 2^31, unique in the account."""
        self._perm_id += 1
        return self._perm_id

    def exec_id(self, perm_id: int, index: int) -> str:
        """Id of an order's `index`-th execution; the last part is the correction number."""
        number = self._number("exec", perm_id, index)
        return f"{number >> 32:08x}.{number & 0xFFFFFFFF:08x}.01.01"

    def share(self, perm_id: int, question: str) -> float:
        """A number in [0, 1), drawn once for each order and question."""
        return self._number(question, perm_id) / 2**64
