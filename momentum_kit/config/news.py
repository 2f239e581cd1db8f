"""Settings of the news: which tapes are heard, how stories are told apart, articles, and the optional AI reader."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from momentum_kit.config.base import Settings
from momentum_kit.config.secret_names import allowed_name


class ReaderSettings(Settings):
    """The optional AI reading of headlines; off while `url` is empty."""

    url: str = ""
    """Base address of any OpenAI-compatible endpoint, such as http://127.0.0.1:8080/v1; no key in it."""
    model: str = ""
    """Model name as the endpoint knows it, with its version where it has one."""
    api_key_env: str = "MOMENTUM_KIT_AI_KEY"
    """Name of the environment variable that holds the key, MOMENTUM_KIT_AI_...; never the key itself."""
    deadline_s: float = Field(default=1.5, gt=0)
    """After this the rules' reading stands."""
    max_requests_per_hour: int = Field(default=600, ge=1, le=36_000)
    """Headlines sent within an hour, whatever they cost; beyond it the rules' reading stands, and a human is told."""

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        """A web address without what a key may hide in: addresses are logged, and sent with every request."""
        if not url:
            return url
        try:
            parts = urlsplit(url)
            known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            known = False
        if not known:
            raise ValueError("expected a web address, such as http://127.0.0.1:8080/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("no user, key or query in an address: the key comes from the environment (api_key_env)")
        return url

    @field_validator("api_key_env")
    @classmethod
    def _given_to_us(cls, name: str) -> str:
        return allowed_name(name, "MOMENTUM_KIT_AI_")


class BodySettings(Settings):
    """The articles behind headlines: fetched where the headline leaves dilution or the company open."""

    enabled: bool = False
    """Off, as a study reads headlines alone: with articles fewer of them are traded, and some that only these name."""
    deadline_s: float = Field(default=4.0, gt=0, le=4.5)
    """Seconds after the headline; the first decision time is 5 s after it. An article that comes later is unread."""
    max_articles_per_hour: int = Field(default=120, ge=1, le=3_600)
    """Articles asked for within an hour."""


class NewsSettings(Settings):
    """Which headlines are heard and how they are tied to contracts."""

    broad_tapes: tuple[str, ...] = ("BRFG", "BRFUPDN", "DJNL")
    """Provider codes whose broad tape is subscribed."""
    watch_symbols: tuple[str, ...] = ()
    """Symbols whose own news is subscribed as well."""
    dedupe_h: float = Field(default=24.0, gt=0)
    """Hours during which the same story is not judged again."""
    max_age_s: float = Field(default=120.0, gt=0)
    """A headline published longer ago than this when received is a replay, not live."""
    max_future_s: float = Field(default=2.0, ge=0)
    """A headline stamped further ahead of its reception is not traded; three in a row of a provider are an incident."""
    max_tickers: int = Field(default=3, ge=1)
    """Above this a headline is a round-up and is skipped."""
    witnesses: tuple[str, ...] = ("AAPL", "AMZN", "MSFT", "NVDA", "TSLA")
    """Busy names: what IB has on record of them must have been heard on the tapes. None: nobody looks."""
    witnessed_every_s: float = Field(default=300.0, ge=60)
    """Market seconds between two looks at their record."""
    symbol_master: str = ""
    """Names by which companies are found: a CSV with symbol,name[,exchange]; empty: the list that comes along."""
    reader: ReaderSettings = ReaderSettings()
    bodies: BodySettings = BodySettings()
