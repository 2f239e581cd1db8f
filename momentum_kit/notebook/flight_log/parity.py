"""Does a replay of the day decide the same? Asked by the flight log of a session that recorded what it heard."""

import re
import subprocess
import sys

from momentum_kit.errors import MomentumKitError
from momentum_kit.notebook.flight_log.facts import Facts
from momentum_kit.storage.archive import Archive
from momentum_kit.storage.recording import FILE, convert_recording

NOT_RECORDED = (
    "This day was not recorded, so there is nothing to replay. With storage.record: true in the configuration the next "
    "session keeps what it hears, and its flight log compares it with its replay."
)
HERE = (  # a replay decides by the session's settings, but has its own gateway
    "environment=sim", "broker.port=4102", "broker.account=", "broker.account_prefix=DU",
)  # fmt: skip
PATIENCE_S = 240.0  # wall seconds for the replay; a report does not wait for longer
LONGEST = 4000  # characters of differences; the command tells them all
_DIFFER = re.compile(r"\b(\d+) differ\b")


def parity_words(facts: Facts) -> tuple[str, bool]:
    """What the comparison says, and whether that is good news."""
    if not (facts.run_dir / FILE).is_file():
        return NOT_RECORDED, True
    archive = facts.run_dir / "parity"
    try:
        if not archive.is_dir():
            convert_recording(facts.run_dir, Archive(archive))
    except MomentumKitError as error:
        return f"The recording of the day could not be read: {error}", False
    asked = ["parity", str(facts.run_dir), "--archive", str(archive), "--config", str(facts.config_file)]
    asked += [word for setting in HERE for word in ("--set", setting)]
    return _answer(asked, f"momentum-kit parity {facts.run_dir} --archive {archive} --config {facts.config_file}")


def _answer(asked: list[str], by_hand: str) -> tuple[str, bool]:
    """In a process of its own: it can be given up, and costs this kernel no memory."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "momentum_kit.cli", *asked],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"The replay was not through after {PATIENCE_S:.0f} s and was given up; ask at leisure: {by_hand}", False
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["no reason given"]
        return f"The replay of the recorded day was not possible: {words[-1]}", False
    found = done.stdout.strip()
    counts = [int(count) for count in _DIFFER.findall(found)]
    more = f"\n... and more: {by_hand}" if len(found) > LONGEST else ""
    return found[:LONGEST] + more, bool(counts) and not any(counts)
