"""DeadManSwitch: an outside address that is pinged while all is well; whoever watches it tells a human when that ends.

It is the one alarm that needs nothing of this machine: no power, no line, no process. Its address is a secret, since
whoever knows it can say that all is well: it comes from the environment, and stands in no log, error or repr.
"""

import ipaddress
import os
from urllib.parse import urlsplit

import aiohttp

from momentum_kit.config import AlertSettings
from momentum_kit.errors import ConfigError

PATIENCE_S = 10.0


class DeadManSwitch:
    """One GET is one ping. To be closed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return "<DeadManSwitch>"

    async def ping(self) -> str:
        """Say that all is well; why it was not taken, without the address, empty if it was."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S))
        try:
            async with self._session.get(self._url, allow_redirects=False) as response:
                return "" if 200 <= response.status < 300 else f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return type(error).__name__  # its words name the address

    async def close(self) -> None:
        """Give the connection back."""
        if self._session is not None:
            await self._session.close()


def dead_man_switch(settings: AlertSettings) -> DeadManSwitch | None:
    """The one that the environment names, None without; ConfigError, without the address, for one that is no use."""
    url = os.environ.get(settings.dead_man_env, "").strip()
    if not url:
        return None
    if not _usable(url):
        raise ConfigError(f"{settings.dead_man_env}: an https address is wanted, or http to this very machine")
    if not os.environ.get(settings.urls_env, "").split():
        raise ConfigError(
            f"{settings.dead_man_env} is set and {settings.urls_env} is not: the switch vouches for the way alerts go"
        )
    return DeadManSwitch(url)


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or any(each.isspace() or not each.isprintable() for each in url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
