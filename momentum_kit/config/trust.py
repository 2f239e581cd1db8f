"""Who else may write a file that nobody named: a configuration found by searching upwards is obeyed only if nobody may.

A configuration decides where orders go. What is in the working folder, or given by its whole path, is the user's word;
what lies somewhere above may be anybody's who can write there, such as /tmp/config/sim.yaml.
"""

import logging
import os
import stat
from collections.abc import Collection
from functools import cache
from pathlib import Path

from momentum_kit.errors import ConfigError

log = logging.getLogger("momentum_kit.config")


def trusted_above(file: Path, here: Path) -> Path:
    """The file, found while searching upwards from `here`; ConfigError where another user may write it.

    One that does not lie in `here` itself is named once, at the level of information.
    """
    if file.resolve().is_relative_to(here.resolve()):
        return file
    begun = next(place for place in (here.resolve(), *here.resolve().parents) if place.exists())  # it may be a guess
    if who := other_writer(file, known=(begun.stat().st_uid,)):
        raise ConfigError(f"{file} lies above this folder, and {who}: it is not used; change that, or name another")
    _tell(file)
    return file


def other_writer(file: Path, known: Collection[int] = (), *, shared: bool = False) -> str:
    """Who besides this user and root may write a file or folder, or put another in its place; in words, or empty.

    known: users whose word stands, such as the working folder's, who may write there anyway. shared: meant for other
    users and their group, so that only everybody is too many.
    """
    real, known = file.resolve(), {os.geteuid(), 0, *known}
    for place in (real, *real.parents):
        found = place.stat()
        if not shared and found.st_uid not in known:
            return f"{place} belongs to {_user(found.st_uid)}"
        if stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX:
            continue  # such as /tmp: nobody can rename or remove what belongs to another
        if found.st_mode & stat.S_IWOTH:
            return f"everybody may write {place}"
        if not shared and found.st_mode & stat.S_IWGRP and (group := _shared_group(found.st_gid)):
            return f"the group {group} may write {place}"
    return ""


@cache
def _tell(file: Path) -> None:
    log.info("using %s, which lies above this folder", file)


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


@cache
def _shared_group(gid: int) -> str:
    """The name of a group that others are in as well; empty for one that is this user's alone."""
    import grp
    import pwd

    own = {_user(os.geteuid()), "root"}
    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return "" if gid in (os.getegid(), 0) else str(gid)
    members = {*group.gr_mem, *(user.pw_name for user in pwd.getpwall() if user.pw_gid == gid)}
    return group.gr_name if members - own else ""
