"""What a probe found, as a file that the simulated gateway loads: `momentum-kit sim --observed FILE`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import yaml

from momentum_kit.errors import InputError, StorageError
from momentum_kit.private_files import write_whole
from momentum_kit.runtime.probe.answers import ALTERNATIVES, NOT_ASKED, SwitchAnswer
from momentum_kit.yaml_files import read_yaml

BASIS = "RECORDED (PAPER)"
_HEAD = f"""\
# What a paper account did, {BASIS}: paper is a simulation of IB's own, and closes no question for a live account.
# The simulated gateway takes `assumptions`: momentum-kit sim --observed FILE
"""


def save_observed(
    file: Path, answers: Iterable[SwitchAnswer], *, at: datetime, server_version: int, symbol: str, account: str
) -> None:
    """Write it. StorageError where it could not be."""
    told = list(answers)
    content = {
        "basis": BASIS,
        "at": at.isoformat(timespec="seconds"),
        "server_version": server_version,
        "symbol": symbol,
        "account": f"{account[:2]}***",  # which one it was is nobody's business
        "assumptions": {each.switch: each.decided for each in told if each.decided},
        "undecided": {each.switch: sorted(each.possible) for each in told if not each.decided},
        "seen": {each.switch: each.seen for each in told},
        "not_asked": dict(NOT_ASKED),
    }
    try:
        write_whole(file, _HEAD + yaml.safe_dump(content, sort_keys=False, width=110))
    except OSError as error:
        raise StorageError(f"{file}: not written: {error.strerror}") from None


def load_observed(file: Path) -> dict[str, str]:
    """The assumptions of such a file; InputError, one line, for anything else."""
    content = read_yaml(file, InputError)
    found = content.get("assumptions") if isinstance(content, Mapping) else None
    if not isinstance(found, Mapping):
        raise InputError(
            f"{file}: no file of a probe: it has no `assumptions`; momentum-kit doctor --probe-paper writes it"
        )
    for name, chosen in found.items():
        if name not in ALTERNATIVES:
            raise InputError(
                f"{file}: no question {name!r} about the broker; momentum-kit sim --assumptions lists them"
            )
        if not isinstance(chosen, str) or chosen not in ALTERNATIVES[name]:
            raise InputError(f"{file}: {name}: {chosen!r} is none of {', '.join(sorted(ALTERNATIVES[name]))}")
    return {str(name): str(chosen) for name, chosen in found.items()}
