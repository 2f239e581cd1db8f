"""Does a replay of the day decide the same? Asked by the flight log of a session that recorded what it heard."""

from pathlib import Path

from momentum_kit.config import find_project
from momentum_kit.errors import MomentumKitError
from momentum_kit.notebook.flight_log_facts import Facts
from momentum_kit.runtime.parity_runs import parity_of_run
from momentum_kit.storage.archive import Archive
from momentum_kit.storage.recorder import FILE
from momentum_kit.storage.recording import convert_recording

NOT_RECORDED = (
    "This day was not recorded, so there is nothing to replay. With storage.record: true in the configuration the next "
    "session keeps what it hears, and its flight log compares it with its replay."
)
HERE = {  # a replay decides by the session's settings, but has its own gateway
    "environment": "sim", "broker.port": 4102, "broker.account": "", "broker.account_prefix": "DU",
}  # fmt: skip
LONGEST = 4000  # characters of differences; `momentum-kit parity` tells them all


def parity_words(facts: Facts) -> tuple[str, bool]:
    """What the comparison says, and whether that is good news."""
    if not (facts.run_dir / FILE).is_file():
        return NOT_RECORDED, True
    folder = facts.run_dir / "parity"
    archive = folder / "archive"
    try:
        project = find_project(facts.config_file.resolve().parent)
        if not archive.is_dir():
            convert_recording(facts.run_dir, Archive(archive))
        found = parity_of_run(facts.run_dir, archive, facts.config_file, HERE, project, _fresh(folder))
    except MomentumKitError as error:
        return f"The replay of the recorded day was not possible: {error}", False
    words = str(found)
    more = f"\n... and more: momentum-kit parity {facts.run_dir} --archive {archive}"
    same = not (found.differing or found.traded_differing or found.fills_differing)
    return words if len(words) <= LONGEST else words[:LONGEST] + more, same


def _fresh(folder: Path) -> Path:
    for number in range(1, 1000):
        replay = folder / f"replay-{number}"
        try:
            replay.mkdir(parents=True)
        except FileExistsError:
            continue
        return replay
    return folder
