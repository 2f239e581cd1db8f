"""The folder that a run leaves everything in: new, empty, or an earlier run's; nothing of the user's is in the way."""

import os
from pathlib import Path

from momentum_kit.errors import InputError
from momentum_kit.private_files import make_private_folder
from momentum_kit.storage.journal import is_journal

JOURNAL = "journal.db"


def prepare_run_folder(folder: Path) -> Path:
    """Make the folder, or see that it is an earlier run's; nothing in it is touched. InputError with the remedy."""
    try:
        make_private_folder(folder)
        names = sorted(each.name for each in folder.iterdir())
        link = next((name for name in names if (folder / name).is_symlink()), None)
        if link:
            raise InputError(f"{folder / link} is a link, and a run writes through none; remove it")
        if names and not is_journal(folder / JOURNAL):
            raise InputError(f"{folder} holds files and is no run's folder ({names[0]}); name a new or empty one")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"cannot write the run folder {folder}: Permission denied")
    except OSError as error:
        raise InputError(f"cannot write the run folder {folder}: {error.strerror}") from None
    return folder.resolve()
