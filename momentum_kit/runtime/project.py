"""`momentum-kit init`: lays out config/, notebooks/ and deploy/ for someone who installed the wheel."""

import shutil
from pathlib import Path

from momentum_kit.errors import InputError

FOLDERS = {"config": "*.yaml", "notebooks": "*.ipynb", "deploy": "*"}
OF_A_CHECKOUT = Path("deploy", "compose")  # its image is built from one, and a user's secrets lie in it
PACKAGE = Path(__file__).resolve().parent.parent


def init_project(target: Path) -> list[Path]:
    """Copy the shipped configuration, notebooks and schedules to `target`; returns the files written, in order.

    Raises InputError, and writes nothing, if a file is there already or the folder cannot be written.
    """
    source = shipped()
    found = [file for folder, pattern in FOLDERS.items() for file in sorted((source / folder).rglob(pattern))]
    wanted = [file for file in found if file.is_file() and not _stays(file.relative_to(source))]
    copies = {file: target / file.relative_to(source) for file in wanted}
    taken = [copy for copy in copies.values() if copy.exists()]
    if taken:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise InputError(f"{taken[0]}{more} exists already; nothing was written: name another folder")
    written: list[Path] = []
    try:
        for file, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            written.append(copy)
    except OSError as error:
        for copy in written:
            copy.unlink()
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None
    return written


def _stays(file: Path) -> bool:
    """Of a checkout alone, hidden, or compiled when the package was installed."""
    return file.is_relative_to(OF_A_CHECKOUT) or any(part.startswith((".", "__pycache__")) for part in file.parts)


def shipped() -> Path:
    """Package data in a wheel, the checkout itself otherwise."""
    for folder in (PACKAGE / "_project", PACKAGE.parent):
        if (folder / "config" / "base.yaml").is_file():
            return folder
    raise InputError("this installation carries no config and notebooks; install momentum-kit again")
