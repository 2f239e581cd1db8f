"""The doctor's checks that need no gateway: software, disk, latches and the exchange's calendar."""

import platform
import shutil
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile

from momentum_kit.config import Config, other_writer
from momentum_kit.errors import MomentumKitError
from momentum_kit.private_files import make_private_folder
from momentum_kit.research import code_version
from momentum_kit.runtime.doctor.finding import Finding, Grade
from momentum_kit.runtime.ownership import StateFolder, strategy_departures
from momentum_kit.sessions import NEW_YORK, exchange_day, session_at, session_on
from momentum_kit.storage.symbols import open_master

LEAST_FREE_GB = 1.0
MOST_NAMES_AGE_DAYS = 100  # a quarter's listings, renames and delistings
IBAPI_RANGE = ((10, 37), (10, 51))
STRANDING_KERNELS = ((7, 0), (7, 2))  # may take no cell any more (ipykernel#1529); seen with 7.2, not with 6.31 and 7.4


def software() -> Finding:
    """Versions of Python and of the packages that a session depends on."""
    ibapi, kernel = version("ibapi-stable"), version("ipykernel")
    text = f"Python {platform.python_version()}, ibapi {ibapi}, ipykernel {kernel}, momentum-kit "
    text += version("momentum-kit")
    advice = []
    if not _within(ibapi, IBAPI_RANGE):
        advice.append("ibapi 10.37 to 10.51 is what the tests cover")
    if _within(kernel, STRANDING_KERNELS):
        advice.append(f"ipykernel {kernel} can stop taking cells for good (ipykernel#1529): install 7.4")
    return Finding("software", Grade.WARNING if advice else Grade.OK, text, "; ".join(advice))


def strategy(config: Config) -> Finding | None:
    """Whether a session would trade what research judged; nothing to say of thresholds that it did not export."""
    export = config.thresholds.export
    if export is None:
        return None
    told = strategy_departures(config, code_version())
    found = f"{config.thresholds.name}: {export.verdict}, judged on {export.first_day} to {export.last_day}"
    if not told:
        return Finding("strategy", Grade.OK, found)
    grade = Grade.PROBLEM if config.needs_arming else Grade.WARNING
    advice = "a session may trade smaller, tighter and fewer than judged; else validate and export it again"
    return Finding("strategy", grade, f"{found}; not as judged: {'; '.join(told)}", advice)


def _within(installed: str, versions: tuple[tuple[int, int], tuple[int, int]]) -> bool:
    major, minor = installed.split(".")[:2]
    return versions[0] <= (int(major), int(minor)) <= versions[1]


def state(config: Config) -> Finding:
    """Whether the folder with the token, the latches and the arming is this user's alone; a start refuses another."""
    folder, shared = StateFolder.of(config).path, bool(config.storage.state_dir)
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if who := other_writer(there, shared=shared):
        advice = "chmod go-w, chown, or another MOMENTUM_KIT_STATE_DIR"
        return Finding("state folder", Grade.PROBLEM, f"{folder}: {who}", advice)
    return Finding("state folder", Grade.OK, f"{folder}: nobody else may write there")


def disk(config: Config, project: Path) -> Finding:
    """Whether the folders of data, runs and logs can be written, and how much space is left."""
    storage = config.storage
    for name in (storage.data_dir, storage.runs_dir, storage.logs_dir):
        folder = project / name
        try:
            make_private_folder(folder)
            with TemporaryFile(dir=folder):  # under no name: whatever is there stays
                pass
        except OSError as error:
            return Finding("disk", Grade.PROBLEM, f"{folder}: {error.strerror}", "make the folder writable")
    free_gb = shutil.disk_usage(project).free / 1e9
    if free_gb < LEAST_FREE_GB:
        advice = "free some space: a full disk stops entries (exits go on)"
        return Finding("disk", Grade.PROBLEM, f"{free_gb:.1f} GB free in {project}", advice)
    return Finding("disk", Grade.OK, f"{project} is writable, {free_gb:.0f} GB free")


def symbol_names(config: Config, project: Path) -> Finding:
    """How old the names are by which companies are found, and how to renew them."""
    path = config.news.symbol_master
    try:
        master = open_master(project, path)
    except MomentumKitError as error:
        return Finding("symbols", Grade.PROBLEM, str(error), "correct news.symbol_master, or leave it empty")
    origin = path or "the list that comes along"
    if master.day is None:
        return Finding("symbols", Grade.OK, f"{origin}: {len(master):,} names without days, taken as complete")
    age_days = (exchange_day(datetime.now(UTC)) - master.day).days
    found = f"{origin}: {len(master):,} names as of {master.day}, {age_days} days old"
    if age_days <= MOST_NAMES_AGE_DAYS:
        return Finding("symbols", Grade.OK, found)
    advice = (
        "newer companies are found by ticker only; fetch the SEC's company_tickers_exchange.json, then: "
        f"momentum-kit data symbols company_tickers_exchange.json --to {path or 'data/symbols.csv'}"
    )
    return Finding("symbols", Grade.WARNING, found, advice)


def latches(config: Config, folder: StateFolder) -> list[Finding]:
    """Whether a kill still holds, and whether a live account is armed."""
    found = []
    if reason := folder.killed:
        found.append(
            Finding("kill switch", Grade.PROBLEM, f"latched: {reason}", f"look first, then: {config.command('clear')}")
        )
    else:
        found.append(Finding("kill switch", Grade.OK, "not latched"))
    if config.needs_arming:
        try:
            account = config.broker.account
            folder.require_armed(account, config.command(f"arm --account {account}"))
            found.append(Finding("arming", Grade.OK, f"{config.broker.account} is armed"))
        except MomentumKitError as error:
            found.append(Finding("arming", Grade.WARNING, str(error)))
    return found


def calendar(config: Config) -> Finding:
    """Whether the exchange is open, or when it opens."""
    now = datetime.now(UTC)
    session = session_at(now, config.calendar)
    if session and session.contains(now):
        text = f"{config.calendar} is open until {session.close.astimezone(NEW_YORK):%H:%M} New York"
        return Finding("calendar", Grade.OK, text)
    day = exchange_day(now) - timedelta(days=1)
    opens = now
    while opens <= now:
        day += timedelta(days=1)
        coming = session_on(day, config.calendar)
        opens = coming.open if coming else now
    text = f"{config.calendar} is closed; it opens {opens.astimezone(NEW_YORK):%A %d %B %H:%M} New York"
    return Finding("calendar", Grade.OK, text)
