"""Who may look at the page: a token typed once, then a login that lasts for some hours."""

import hmac
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from momentum_kit.errors import EngineError
from momentum_kit.runtime.ownership import StateFolder

TOKEN_FILE = "page-token"
METRICS_FILE = "metrics-token"  # of a collector: it opens the numbers and nothing else
SHORTEST, LONGEST = 16, 200  # characters: another's hand has been in the file
LASTS_S = 12 * 3600.0  # a trading day, and no second one
MOST = 32  # logins at once; the oldest gives way


def page_token(folder: StateFolder, name: str = TOKEN_FILE, *, anew: bool = False) -> tuple[str, Path]:
    """The token of an account's page and the private file that keeps it over restarts; EngineError if it cannot.

    One that another hand laid there, as a link or where others may write, is none. name: of the file.
    """
    file = folder.path / name
    folder.create()
    known = "" if anew else read_token(folder, name)
    if len(known) < SHORTEST:
        known = secrets.token_urlsafe(18)
        if file.is_dir() and not file.is_symlink():
            raise EngineError(f"{file} is a folder; remove it")
        folder.write_private(name, known)
    return known, file


def read_token(folder: StateFolder, name: str = TOKEN_FILE) -> str:
    """What the file says, where it is ours alone; empty without one."""
    file = folder.path / name
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe would wait for ever
        with os.fdopen(descriptor, encoding="ascii") as opened:
            told = os.fstat(descriptor)
            if (
                not stat.S_ISREG(told.st_mode)
                or told.st_mode & stat.S_IWOTH
                or told.st_uid not in (os.geteuid(), folder.path.stat().st_uid)
            ):
                return ""
            return opened.read(LONGEST).strip()
    except (OSError, ValueError):  # a link, a folder, no text: none of ours
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Two secrets of one browser, and both are asked for with every request.

    cookie: which no script can read; a browser sends it to every port of this host, so alone it opens nothing.
    key: which the page's own script keeps, and only its own origin can read; so alone it opens nothing either.
    """

    cookie: str
    key: str
    ends_at: float


class Logins:
    """Takes the page's token for a login. clock: seconds that never step."""

    def __init__(self, token: str, clock: Callable[[], float] = monotonic) -> None:
        self._token = token
        self._clock = clock
        self._logins: dict[str, Login] = {}

    def enter(self, token: str) -> Login | None:
        """A new login; None for another token."""
        if not self._token or not _same(token, self._token):
            return None
        login = Login(cookie=secrets.token_urlsafe(24), key=secrets.token_urlsafe(24), ends_at=self._clock() + LASTS_S)
        self._logins[login.cookie] = login
        while len(self._logins) > MOST:
            del self._logins[next(iter(self._logins))]
        return login

    def renew(self, token: str) -> None:
        """From now on this is the token; whoever came in by another one is out."""
        if token != self._token:
            self._token = token
            self._logins.clear()

    def known(self, cookies: Iterable[str], key: str) -> str:
        """The cookie by which this browser is logged in, of all that it sent by our name; empty without."""
        for cookie in cookies:
            login = self._logins.get(cookie)
            if login is None:
                continue
            if self._clock() >= login.ends_at:
                del self._logins[cookie]
            elif _same(key, login.key):
                return cookie
        return ""

    def leave(self, cookies: Iterable[str]) -> None:
        """Log out."""
        for cookie in cookies:
            self._logins.pop(cookie, None)


def opens(authorization: Sequence[str], token: str) -> bool:
    """Whether a request's Authorization headers are one, and bring this token as a bearer; none that is too short."""
    scheme, _, given = authorization[0].partition(" ") if len(authorization) == 1 else ("", "", "")
    return len(token) >= SHORTEST and scheme.lower() == "bearer" and _same(given, token)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogatepass"), known.encode())
