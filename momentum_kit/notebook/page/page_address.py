"""PageAddress: where the page is served and what a browser may call it; beyond loopback by TLS alone."""

import ipaddress
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from momentum_kit.errors import InputError

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAddress:
    """Where a page is served.

    bind: an address of this machine. names: what it is called in a browser's address line, beside `bind`.
    certificate, key: files of TLS, without which nothing but loopback is served.
    """

    port: int
    bind: str = "127.0.0.1"
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        try:
            bound = ipaddress.ip_address(self.bind)
        except ValueError:
            raise InputError(f"--bind {self.bind}: not an address; one of this machine's, such as 10.8.0.1") from None
        if (self.certificate is None) != (self.key is None):
            raise InputError("TLS needs both: --certificate FILE and --key FILE")
        if not bound.is_loopback and self.certificate is None:
            raise InputError(
                f"--bind {self.bind}: beyond this machine the page is served by TLS alone (--certificate FILE --key "
                "FILE); without, leave it on loopback and reach it through ssh or WireGuard, as docs/page.md says"
            )
        for name in self.names:
            if not _NAME.fullmatch(name):
                raise InputError(f"--name {name!r}: not what a browser calls a machine, such as desk.example, no port")
        if bound.is_unspecified and not self.names:
            raise InputError(
                f"--bind {self.bind} is every address of this machine: --name says what a browser calls it"
            )

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a Host header may say, without the port."""
        address = ipaddress.ip_address(self.bind)
        bound = f"[{address.compressed}]" if address.version == 6 else address.compressed
        local = ("localhost",) if bound in ("127.0.0.1", "[::1]") else ()
        return tuple(dict.fromkeys((bound, *local, *(name.lower() for name in self.names))))

    @property
    def scheme(self) -> str:
        """What stands before `://`: https where there is a certificate."""
        return "http" if self.certificate is None else "https"


def tls_of(address: PageAddress) -> ssl.SSLContext | None:
    """What its certificate and key make, None without; InputError where they cannot be used."""
    if address.certificate is None or address.key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(address.certificate, address.key)
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"--certificate {address.certificate}, --key {address.key}: {error}") from None
    return context
