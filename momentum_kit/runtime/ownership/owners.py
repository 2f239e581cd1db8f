"""Whose orders are these: the id of an owner, carried by the references of its orders, tells a second engine elsewhere.

Locks are seen on one machine alone. An engine on another one trades the same account unseen, until its orders say so.
"""

import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from momentum_kit.errors import GuardRefused, StorageError
from momentum_kit.private_files import make_private_folder

OWNER_ID = "owner-id"
_OWNED = re.compile(r"mk-([0-9a-f]{6})-")  # a reference of 0.1.0 names no owner: mk-, then the intent alone


def owner_id(root: Path) -> str:
    """Six characters for everybody who trades from this state folder, the same over engines and accounts.

    StorageError if the disk keeps none, or keeps something else.
    """
    file = root / OWNER_ID
    try:
        make_private_folder(root)
        new = root / f".{OWNER_ID}.{secrets.token_hex(4)}"
        if not file.exists():
            new.write_text(secrets.token_hex(3), encoding="ascii")
            new.chmod(0o640 if root.stat().st_mode & 0o020 else 0o600)  # a shared folder's group reads it as well
            try:
                os.link(new, file)  # of two that come at once the first one's stands, whole
            except FileExistsError:
                pass
            finally:
                new.unlink()
        found = file.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot keep an owner's id in {file}: {error}") from None
    if not re.fullmatch(r"[0-9a-f]{6}", found):
        raise StorageError(f"{file} holds no owner's id: {found[:20]!r}")
    return found


def prove_only_owner(working: Iterable[str], own: str) -> None:
    """GuardRefused if a working order, by its reference, belongs to another owner: a second engine trades the account.

    working: references of live orders that no intent of ours explains.
    """
    others = sorted({found[1] for reference in working if (found := _OWNED.match(reference))} - {own})
    if others:
        raise GuardRefused(
            f"orders of another engine work in this account (owner {', '.join(others)}; this one is {own}): "
            "it runs on another machine, or for another user; end it there first, or bring its state folder along"
        )
