"""Which engines run on this machine: what a command that names no configuration may mean."""

from collections.abc import Iterable

from momentum_kit.config import state_root
from momentum_kit.errors import EngineError, GuardRefused
from momentum_kit.runtime.ownership.state_folder import StateFolder


def running_engines(state_dirs: Iterable[str] = ("",)) -> list[StateFolder]:
    """The folders of all accounts that an engine owns, in each of these state folders ('': the user's own)."""
    found: dict[object, StateFolder] = {}
    for state_dir in state_dirs:
        root = state_root(state_dir)
        for path in sorted(root.iterdir()) if root.is_dir() else ():
            try:
                folder = StateFolder(path.name, state_dir)
                if folder.owned:
                    address = folder.address()
                    found.setdefault(address.pid if address else path, folder)  # one engine may own two names
            except GuardRefused:  # another user's, out of reach, or no account's
                continue
    return list(found.values())


def only_engine(state_dirs: Iterable[str], absent: type[EngineError] | type[GuardRefused]) -> StateFolder:
    """The folder of the one engine that runs; `absent` where none does, GuardRefused with all of them where more do."""
    engines = running_engines(state_dirs)
    if not engines:
        raise absent("no engine runs; name an account by --config to hear what its last one left")
    if len(engines) > 1:
        named = "; or ".join(map(_named, engines))
        raise GuardRefused(f"{len(engines)} engines run, name the one that is meant: {named}")
    return engines[0]


def _named(folder: StateFolder) -> str:
    address = folder.address()
    return f"{address.arguments} ({folder.path.name}, pid {address.pid})" if address else f"{folder.path.name} (starts)"
