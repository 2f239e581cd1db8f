"""Folders and files of the kit's own: 0700 and 0600 whatever the umask, replaced whole, and never through a link.

What a run leaves (journals, recordings, logs, reports) holds account ids, positions, orders and licensed headlines.
A link where one of these files is about to be written is nobody's slip: somebody else put it there, to have a file of
the user's overwritten, so that it is refused by name.
"""

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

FOLDER, FILE = 0o700, 0o600


def make_private_folder(path: Path) -> None:
    """Make the folder and what is missing above it, for this user alone; one that is there stays as it is."""
    if path.is_dir():
        return
    make_private_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir(mode=FOLDER)
    path.stat()  # a link to nowhere


def open_private(path: str | Path, flags: int) -> int:
    """A descriptor, as `open(opener=...)` wants it: 0600 also where the file was wider. Raises OSError for a link."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, FILE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(error.errno, "it is a link; remove it", str(path)) from None
        raise
    found = os.fstat(descriptor)
    ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
    if ours and flags & (os.O_WRONLY | os.O_RDWR) and found.st_mode & 0o077:
        os.fchmod(descriptor, FILE)
    return descriptor


def write_whole(path: Path, content: str | bytes) -> None:
    """Write beside it and rename: whoever reads sees the old content or the new. Raises OSError, leaving the old."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
