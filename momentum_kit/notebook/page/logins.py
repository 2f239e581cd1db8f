"""Who may look at the page: a token typed once, then a login that lasts for some hours."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from momentum_kit.errors import EngineError
from momentum_kit.runtime.ownership import StateFolder

TOKEN_FILE = "page-token"
SHORTEST = 16  # characters: another's hand has been in the file
LASTS_S = 12 * 3600.0  # a trading day, and no second one
MOST = 32  # logins at once; the oldest gives way


def page_token(folder: StateFolder, *, anew: bool = False) -> tuple[str, Path]:
    """The token of an account's page and the private file that keeps it over restarts; EngineError if it cannot."""
    file = folder.path / TOKEN_FILE
    folder.create()
    try:
        known = "" if anew or not file.exists() else file.read_text().strip()
    except (OSError, ValueError) as error:
        raise EngineError(f"{file} cannot be read ({error}); momentum-kit page --new-token makes another") from None
    if len(known) < SHORTEST:
        known = secrets.token_urlsafe(18)
        folder.write_private(TOKEN_FILE, known)
    return known, file


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
        if not _same(token, self._token):
            return None
        login = Login(cookie=secrets.token_urlsafe(24), key=secrets.token_urlsafe(24), ends_at=self._clock() + LASTS_S)
        self._logins[login.cookie] = login
        while len(self._logins) > MOST:
            del self._logins[next(iter(self._logins))]
        return login

    def knows(self, cookie: str, key: str) -> bool:
        """Whether this browser is logged in."""
        login = self._logins.get(cookie)
        if login is None:
            return False
        if self._clock() >= login.ends_at:
            del self._logins[cookie]
            return False
        return _same(key, login.key)

    def leave(self, cookie: str) -> None:
        """Log out."""
        self._logins.pop(cookie, None)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogatepass"), known.encode())
