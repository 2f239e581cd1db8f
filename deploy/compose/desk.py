"""What the engine's container runs (compose.yaml): a check before anybody logs in, sessions day after day, the page.

    desk.py check      exit status 2 and one line for each thing that is wrong
    desk.py desk       a session each trading day from 09:20 New York, and the page all the time, until SIGTERM
    desk.py healthy    exit status 1 while an engine is silent or the page does not answer

A session that a signal ended, and with it whatever it held, is taken over at once. One that ended with a status said
why in words, and the next begins on the next trading day, also after a stop by hand and where the container starts
again on the same day.
"""

import asyncio
import os
import signal
import sys
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from momentum_kit.config import Config, load_config
from momentum_kit.errors import MomentumKitError
from momentum_kit.notebook.page import page_token
from momentum_kit.runtime.ownership import SILENT_AFTER_S, StateFolder, read_heartbeat
from momentum_kit.sessions import TradingSession, exchange_day, in_words, session_on

HERE = Path("/srv/momentum")
SECRETS = Path("/run/secrets")
BEFORE_OPEN, BEFORE_CLOSE = timedelta(minutes=10), timedelta(minutes=5)
UNTIL = "close-5m"
ASIDE_S = 10.0  # before whatever ended by a signal begins anew
MOST_SIGNALS, WITHIN = 3, timedelta(minutes=30)  # then something is broken that another start will not mend
LOOK_S = 30.0  # a laptop's clock may be set while one sleeps
PAGE_PORT = "8470"  # unless the environment says another
TELLS = {"alert_urls": "MOMENTUM_KIT_ALERT_URLS", "dead_man_url": "MOMENTUM_KIT_DEAD_MAN_URL"}
METRICS_TOKEN = "metrics-token"  # in the account's state folder, and for Prometheus alone in a volume of its own


def config_file(given: Mapping[str, str], here: Path = HERE) -> Path:
    """Of the mode that the desk is in."""
    return here / "config" / f"{given['MODE']}.yaml"


def wrong(given: Mapping[str, str], here: Path = HERE, secrets: Path = SECRETS) -> list[str]:
    """What forbids the gateway to log in, one line each: mode, account, port and password."""
    mode = given.get("MODE", "")
    if mode not in {"paper", "live"}:
        return [f"MODE is {mode!r}; it is paper or live"]
    try:
        config = load_config(config_file(given, here), with_thresholds=False)
    except MomentumKitError as error:  # such as an account whose prefix is the other mode's
        return [str(error)]
    found = []
    if config.environment != mode:
        found.append(f"MODE is {mode}, and config/{mode}.yaml says environment: {config.environment}")
    if not config.broker.account:
        found.append(f"config/{mode}.yaml names no broker.account; a desk trades one that is named, and no other")
    if str(config.broker.port) != given.get("API_PORT"):
        found.append(
            f"API_PORT is {given.get('API_PORT')}, and config/{mode}.yaml says broker.port: {config.broker.port}"
        )
    if not said(secrets / "tws_password"):
        found.append("secrets/tws_password is empty, missing, or not readable for user 1000")
    return found


def said(file: Path) -> str:
    """What a secret's file says; nothing where it is empty or cannot be read."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def told(environment: Mapping[str, str], secrets: Path = SECRETS) -> dict[str, str]:
    """The environment of a session: secrets out of their files, so that no look at the container shows them."""
    return {**environment, **{name: text for file, name in TELLS.items() if (text := said(secrets / file))}}


def session_to_begin(now: datetime, config: Config, done_at: datetime | None) -> TradingSession:
    """The one that is on or comes next; done_at: when the last one ended in order, which ends its day as well."""
    day = exchange_day(now)
    while True:
        session = session_on(day, config.calendar)
        if session and now < session.close - BEFORE_CLOSE and not (done_at and done_at >= session.open - BEFORE_OPEN):
            return session
        day += timedelta(days=1)


def ended_in_order(folder: StateFolder) -> datetime | None:
    """When the account's last engine ended with a last word; None where it was cut off, or there was none."""
    last = read_heartbeat(folder)
    return datetime.fromtimestamp(last.wall_time, UTC) if last and last.ended else None


class Desk:
    """Sessions one after the other, and the page beside them; `end` is SIGTERM's."""

    def __init__(
        self,
        given: Mapping[str, str],
        here: Path = HERE,
        secrets: Path = SECRETS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config_file = config_file(given, here)
        self._config = load_config(self._config_file, with_thresholds=False)
        self._folder = StateFolder.of(self._config)
        self._here = here
        self._now = now
        self._page_port = given.get("PAGE_PORT", PAGE_PORT)
        self._environment = told(given, secrets)
        self._ending = asyncio.Event()
        self._cut_off: list[datetime] = []
        self._over: datetime | None = None  # when the last session said a status

    async def run(self) -> int:
        """Until SIGTERM; the exit status of the session that it ended."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._ending.set)
        self._leave_token()
        page = asyncio.create_task(self._page())
        try:
            return await self._sessions()
        finally:
            self._ending.set()
            await page

    async def _sessions(self) -> int:
        status = 0
        while not self._ending.is_set():
            ends = [each for each in (ended_in_order(self._folder), self._over) if each]
            session = session_to_begin(self._now(), self._config, max(ends, default=None))
            begins_at = session.open - BEFORE_OPEN
            say(f"the next session begins at {in_words(begins_at)}")
            if not await self._until(begins_at):
                break
            out = self._here / "runs" / f"{self._now():%Y-%m-%d_%H-%M-%S}"
            status = await self._child(
                "run", "notebooks/production.ipynb", "--config", str(self._config_file), "--until", UNTIL,
                "--unwatched", "--out", str(out),
            )  # fmt: skip
            say(f"the session in {out} ended with status {status}")
            if status >= 0 or self._broken():
                self._over = self._now()
            else:
                await self._pause(ASIDE_S)
        return max(status, 0)

    def _broken(self) -> bool:
        """Whether sessions are cut off too often to begin another."""
        now = self._now()
        self._cut_off = [*(at for at in self._cut_off if now - at < WITHIN), now]
        if broken := len(self._cut_off) >= MOST_SIGNALS:
            say(f"{MOST_SIGNALS} sessions were cut off within {WITHIN}: none begins before tomorrow")
        return broken

    async def _until(self, at: datetime) -> bool:
        while not self._ending.is_set() and (left := (at - self._now()).total_seconds()) > 0:
            await self._pause(min(left, LOOK_S))
        return not self._ending.is_set()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._ending.wait(), seconds)
        except TimeoutError:
            return

    async def _page(self) -> None:
        while not self._ending.is_set():
            await self._child("page", "--config", str(self._config_file), "--page-port", self._page_port)
            await self._pause(ASIDE_S)

    async def _child(self, *words: str) -> int:
        """A command to its end, which SIGTERM to this process asks for; negative: the signal that ended it."""
        child = await asyncio.create_subprocess_exec(
            "momentum-kit", *words, cwd=self._here, env=self._environment, stdout=sys.stderr
        )
        ended, asked = asyncio.create_task(child.wait()), asyncio.create_task(self._ending.wait())
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not ended.done():
            child.terminate()
        return await ended

    def _leave_token(self) -> None:
        token, _ = page_token(self._folder, METRICS_TOKEN)
        shared = self._here / "metrics" / METRICS_TOKEN
        shared.write_text(token, encoding="ascii")
        shared.chmod(0o644)  # Prometheus is another user, and only its container has this volume as well


def healthy(given: Mapping[str, str], here: Path = HERE) -> str:
    """Empty while all is well, or what is not."""
    folder = StateFolder.of(load_config(config_file(given, here), with_thresholds=False))
    last = read_heartbeat(folder)
    if folder.locked and last and not last.ended and last.age_s >= SILENT_AFTER_S:
        return f"the engine has been silent for {last.age_s:.0f} s"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{given.get('PAGE_PORT', PAGE_PORT)}/", timeout=5):
            return ""
    except OSError as error:
        return f"the page does not answer: {error}"


def say(words: str) -> None:
    """One line for `docker compose logs`."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


def main(words: list[str]) -> int:
    """One of the three commands, by its name."""
    match words:
        case ["check"]:
            found = wrong(os.environ)
            for line in found:
                say(line)
            if not said(SECRETS / "alert_urls"):
                say("secrets/alert_urls is empty: nobody is told of anything")
            return 2 if found else 0
        case ["desk"]:
            return asyncio.run(Desk(os.environ).run())
        case ["healthy"]:
            if found_ill := healthy(os.environ):
                say(found_ill)
            return 1 if found_ill else 0
    say("check, desk or healthy")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
