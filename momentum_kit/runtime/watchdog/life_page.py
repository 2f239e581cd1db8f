"""LifePage: one page of memory that an engine shares with its watchdog: beats, what is being read, and the end.

Memory and no file, because a disk that is full or stalls must not look like an engine that hangs, nor make one; and no
question over a socket, because whoever is held cannot answer. To write it takes about a microsecond.
"""

import mmap
import os
import struct
import tempfile
from pathlib import Path
from typing import Self

SIZE = 4096
_BEATS = struct.Struct("<Q")
_OVER, _MARK, _MARK_BYTES = 8, 16, 1024
_IN_ORDER, _FAILED = 1, 2
_IN_MEMORY = Path("/dev/shm")  # where a system has it; elsewhere a file without a name, whose page is in memory as well


class LifePage:
    """The engine makes it and hands its descriptor on; either side may look."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._page = mmap.mmap(descriptor, SIZE)

    @classmethod
    def create(cls) -> Self:
        """A new one; the system takes it back when both processes have ended."""
        descriptor, name = tempfile.mkstemp(prefix="momentum-kit-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None)
        Path(name).unlink()
        os.ftruncate(descriptor, SIZE)
        return cls(descriptor)

    def beat(self) -> None:
        """The loop runs."""
        _BEATS.pack_into(self._page, 0, self.beats + 1)

    @property
    def beats(self) -> int:
        """So many since the beginning."""
        count: int = _BEATS.unpack_from(self._page)[0]
        return count

    def mark(self, words: str) -> None:
        """What is being read: a fingerprint, a blank, words for a person; empty: nothing."""
        content = words.encode(errors="replace")[: _MARK_BYTES - 1]
        self._page[_MARK : _MARK + len(content) + 1] = content + b"\0"

    @property
    def marked(self) -> str:
        """The same, as it stands."""
        return self._page[_MARK : _MARK + _MARK_BYTES].partition(b"\0")[0].decode(errors="replace")

    def end(self, *, failed: bool = False) -> None:
        """The engine ends in order, its session or not: nobody needs to watch any more."""
        self._page[_OVER] = _FAILED if failed else _IN_ORDER

    @property
    def over(self) -> bool:
        """It said so."""
        return bool(self._page[_OVER])

    @property
    def failed(self) -> bool:
        """And that its session has failed."""
        return self._page[_OVER] == _FAILED

    def close(self) -> None:
        """Give it back."""
        self._page.close()
        os.close(self.descriptor)
