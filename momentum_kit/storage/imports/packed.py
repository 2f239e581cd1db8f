"""Packed files: gzip is read as it stands, within bounds; what else packs a file is told by its first bytes."""

import gzip
from pathlib import Path
from typing import IO

from momentum_kit.errors import ArchiveError
from momentum_kit.storage.imports.report import REMEDY
from momentum_kit.storage.parquet import MOST_BYTES, TOO_MUCH

_SIGNS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"\x1f\x8b": "packed by gzip: name it .gz",
    b"\x28\xb5\x2f\xfd": "packed by zstd: unpack it first (zstd -d FILE)",
    b"\xfd7zXZ": "packed by xz: unpack it first (unxz FILE)",
    b"BZh": "packed by bzip2: unpack it first (bunzip2 FILE)",
    b"PAR1": "Parquet: import it as parquet, and name it .parquet",
}


def open_bytes(file: Path) -> IO[bytes]:
    """A file's bytes, unpacked where its name ends in .gz."""
    return Unpacked(file) if is_gzipped(file) else file.open("rb")  # type: ignore[return-value]


def is_gzipped(file: Path) -> bool:
    """Whether a file's name says so."""
    return file.suffix.lower() == ".gz"


def refuse_packed(file: Path) -> None:
    """ArchiveError for a file that is to be text, and whose first bytes say that it is packed."""
    with open_bytes(file) as content:
        start = content.read(8)
    for sign, words in _SIGNS.items():
        if start.startswith(sign):
            raise ArchiveError(f"{file}: {words}; {REMEDY}")


class Unpacked(gzip.GzipFile):
    """A gzipped file up to MOST_BYTES of what is in it; ArchiveError beyond."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, "rb")
        self._shown = str(file)

    def read(self, size: int | None = -1) -> bytes:
        """As any file's."""
        return self._bounded(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        """As any file's; what readers of text call."""
        return self._bounded(super().read1(size))

    def _bounded(self, content: bytes) -> bytes:
        if self.tell() > MOST_BYTES:
            raise ArchiveError(f"{self._shown}: {TOO_MUCH}")
        return content
