"""A stream's overflow on disk: values in the order they came, none lost."""

import pickle
import tempfile
from collections import deque
from pathlib import Path
from typing import IO, Any


class Spill:
    """A temporary file of pickled values, first in, first out; created when first needed, emptied when read up."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._lengths: deque[int] = deque()  # bytes of each value still on disk
        self._read_at = self._write_at = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def put(self, value: Any) -> None:
        """Append; OSError if the disk refuses, and then nothing has changed."""
        if self._file is None:
            # unbuffered: a full disk shows here and not later, when the buffer is flushed
            self._file = tempfile.TemporaryFile(dir=self._folder, prefix="spill-", buffering=0)  # noqa: SIM115
        content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        self._file.seek(self._write_at)
        if self._file.write(content) != len(content):
            raise OSError("the disk took only part of it")
        self._write_at += len(content)
        self._lengths.append(len(content))

    def get(self) -> Any:
        """The oldest value; IndexError if there is none."""
        length = self._lengths[0]
        assert self._file is not None
        self._file.seek(self._read_at)
        value = pickle.loads(self._file.read(length))  # our own values, from an unnamed file of this process
        self._lengths.popleft()
        self._read_at += length
        if not self._lengths:
            self._file.truncate(0)
            self._read_at = self._write_at = 0
        return value

    def close(self) -> None:
        """Give the file back."""
        self._lengths.clear()
        if self._file is not None:
            self._file.close()
            self._file = None
            self._read_at = self._write_at = 0
