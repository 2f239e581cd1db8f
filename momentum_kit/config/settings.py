"""Sections of the configuration, and `Config`, their whole: the one place where an environment differs from another."""

import ipaddress
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, PrivateAttr, field_validator, model_validator

from momentum_kit.config.base import Settings
from momentum_kit.config.news import NewsSettings
from momentum_kit.config.secret_names import allowed_name
from momentum_kit.config.thresholds import Thresholds

LIVE_PORTS = frozenset({4001, 7496})
PAPER_PORTS = frozenset({4002, 7497})
PAPER_PREFIXES = ("DU", "DF")  # DF: an advisor's paper master
LOOPBACK = "127.0.0.1"


class BrokerSettings(Settings):
    """Where the gateway is and whose account it must serve."""

    host: str = "127.0.0.1"
    """Address of TWS, IB Gateway or the simulated gateway."""
    port: int = Field(default=4002, ge=1, le=65535)
    """4002 is IB Gateway paper, 4001 live, 7497 TWS paper, 7496 TWS live."""
    client_id: int = Field(default=17, ge=1, le=999_999)
    """One persisted id per account: only the client that placed an order can modify it."""
    account: str = ""
    """Account id; empty takes the gateway's only account."""
    account_prefix: str = "DU"
    """What the account id must start with: paper accounts start with DU."""
    connect_timeout_s: float = Field(default=10.0, gt=0)
    """From opening the socket to managed accounts and next valid id."""
    request_timeout_s: float = Field(default=30.0, gt=0)
    """Until a request without an answer raises RequestTimeout."""
    reconnect_timeout_s: float = Field(default=300.0, gt=0)
    """After a lost connection, until the session gives up and ends; IB's nightly restart takes some minutes."""
    messages_per_s: float = Field(default=45.0, gt=0)
    """Requests to the gateway; IB ends the session above 50."""
    market_data_lines: int = Field(default=100, ge=1)
    """Symbols that may be watched at once."""
    canary_symbol: str = "AAPL"
    """A liquid stock on a line of its own: where it is silent in regular hours, data is broken. Empty: none."""
    commission_plan: Literal["fixed", "tiered"] = "fixed"
    """IBKR's plan of this account: what no commission report tells is estimated by it and config/costs.yaml."""


class ClockSettings(Settings):
    """How market time runs."""

    kind: Literal["wall", "scaled", "stepped"] = "wall"
    """wall: real time. scaled: broker's time at connect, then `rate`. stepped: lock-step with the gateway."""
    rate: float = Field(default=1.0, gt=0)
    """Market seconds per wall second, at most (stepped) or exactly (scaled)."""
    beat_s: float = Field(default=0.25, gt=0)
    """Market seconds between two looks at the clock."""
    bar_grace_s: float = Field(default=0.5, ge=0)
    """Market seconds a closed bar waits for late ticks; the decision time stays the bar's end."""


class DetectionSettings(Settings):
    """When news items are judged and against which baseline."""

    thresholds: str = "thresholds/default.yaml"
    """Threshold file, relative to the config folder."""
    thresholds_must_be_exported: bool = False
    """Refuse thresholds that research did not export, or that were changed since."""
    workers: int = Field(default=2, ge=1, le=32)
    """Workers that compute features and apply rules."""
    judge_until_s: float = Field(default=120.0, gt=0)
    """Market seconds after received_at during which a news item may signal."""
    observe_until_s: float = Field(default=900.0, gt=0)
    """Market seconds after received_at during which the symbol stays watched."""
    baseline_sessions: int = Field(default=20, ge=1)
    """Sessions before today that the baseline asks for."""
    min_baseline_sessions: int = Field(default=10, ge=1)
    """With fewer the item is skipped: no baseline."""
    max_quote_age_s: float = Field(default=5.0, gt=0)
    """A quote older than this is stale and is never traded on."""

    @model_validator(mode="after")
    def _consistent(self) -> "DetectionSettings":
        if self.min_baseline_sessions > self.baseline_sessions:
            raise ValueError("min_baseline_sessions exceeds baseline_sessions")
        if self.judge_until_s > self.observe_until_s:
            raise ValueError("judge_until_s exceeds observe_until_s")
        return self


Weekday = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class MaintenanceWindow(Settings):
    """Hours in which the broker resets its servers: exec reports and simulated stops are late in them."""

    days: tuple[Weekday, ...] = Field(min_length=1)
    """Days on which it begins..."""
    start: ClockTime
    """...at this time of day..."""
    end: ClockTime
    """...and ends at this one, of the next day where it is not after `start`."""
    zone: str = "America/New_York"
    """Time zone of all three."""
    since: date | None = None
    """First day on which it holds; none: as far back as is known..."""
    until: date | None = None
    """...and the last one; none: until further notice."""

    @model_validator(mode="after")
    def _known_zone(self) -> "MaintenanceWindow":
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"zone {self.zone!r} is no time zone") from None
        return self


# https://www.interactivebrokers.com/en/software/systemStatus.php, as of November 2026
IB_MAINTENANCE = (
    MaintenanceWindow(days=("Sun", "Mon", "Tue", "Wed", "Thu", "Fri"), start="00:15", end="01:45"),
    MaintenanceWindow(days=("Fri",), start="23:00", end="03:00"),
)


class RiskSettings(Settings):
    """What one order, one symbol and one day may cost; docs/risk_gate.md maps each limit to its check."""

    risk_per_order_usd: float = Field(default=100.0, gt=0, le=1e6)
    """R: loss if the stop fills at its price, USD."""
    max_order_notional_usd: float = Field(default=10_000.0, gt=0, le=1e9)
    """Largest order, USD."""
    max_order_shares: int = Field(default=20_000, ge=1, le=10_000_000)
    """Largest order, shares: above it a price or a size is wrong."""
    max_symbol_notional_usd: float | None = Field(default=None, gt=0, le=1e9)
    """Position, working entry and the new order in one symbol together, USD; none: off."""
    max_total_notional_usd: float = Field(default=40_000.0, gt=0, le=1e9)
    """All positions and working entries together, USD."""
    max_positions: int = Field(default=4, ge=1, le=1_000)
    """Open positions and working entries together."""
    max_per_catalyst: int | None = Field(default=None, ge=1, le=1_000)
    """Open positions and working entries on one kind of catalyst; none: off."""
    max_orders_per_minute: int = Field(default=10, ge=1, le=1_000)
    """Entries in any 60 s."""
    max_daily_loss_usd: float = Field(default=500.0, gt=0, le=1e9)
    """Realised plus open loss at which entries end for the day, USD."""
    max_symbol_loss_usd: float | None = Field(default=None, gt=0, le=1e9)
    """What the round trips of one symbol may lose in a day before it is left alone, USD; none: off."""
    max_losses_in_a_row: int | None = Field(default=None, ge=1, le=1_000)
    """Round trips that lost, one after the other, at which entries end for the day; none: off."""
    cool_down_s: float = Field(default=900.0, ge=0, le=86_400)
    """Market seconds after an entry in a symbol, before the next one."""
    no_entry_before_close_s: float = Field(default=900.0, ge=0, le=86_400)
    """No entries this close to the session's close."""
    no_entry_after_halt_s: float = Field(default=300.0, ge=0, le=86_400)
    """Market seconds after a halt in a symbol, before it is entered: as long as a limit-up pause."""
    no_entry_before_maintenance_s: float = Field(default=900.0, ge=0, le=86_400)
    """No entries this close to one of the broker's maintenance windows, nor in it."""
    maintenance: tuple[MaintenanceWindow, ...] = IB_MAINTENANCE
    """The broker's maintenance windows."""
    max_signal_age_s: float = Field(default=5.0, gt=0, le=120)
    """From the bar that decided to the order: after 5 s the next bar has closed, and no study fills later than that."""
    max_signal_drift_bps: float = Field(default=50.0, gt=0, le=1_000)
    """How far the ask may have moved since the decision, either way, when the order is sent."""
    max_quote_age_s: float = Field(default=5.0, gt=0, le=60)
    """A symbol that has not ticked for longer when the order is sent is not bought."""
    price_collar_pct: float = Field(default=3.0, gt=0, le=50)
    """How far above the middle of bid and ask an entry's limit may lie: IB caps or refuses what lies too far."""
    luld_room_pct: float = Field(default=0.0, ge=0, le=50)
    """Least distance from an entry's limit up to the limit-up band, per cent: at the band trading stops."""
    restricted_symbols: tuple[str, ...] = ()
    """Never bought, however they are spelled."""
    buying_power: Literal["unchecked", "known", "required"] = "known"
    """known: available funds must cover what is ordered wherever they are known. required: unknown refuses as well."""
    margin_rate: float = Field(default=1.0, gt=0, le=10)
    """Share of an order's notional that it takes of the available funds, at least: 1 is what IB asks for many small
    caps, and what it tells by what-if binds where it is more."""
    settled_cash: Literal["unchecked", "known", "required"] = "unchecked"
    """The same of settled cash, for cash accounts: what is bought with unsettled money may not be sold."""
    max_funds_age_s: float = Field(default=300.0, gt=0, le=3_600)
    """Older account values are as good as unknown."""
    preset_max_shares: int | None = Field(default=None, ge=1)
    """The gateway's order preset "Size Limit" (code 383; 500 as installed); none: it does not bind."""
    preset_max_value_usd: float | None = Field(default=None, gt=0)
    """The gateway's order preset "Total Value Limit" (code 451), USD; none: it does not bind."""
    preset_max_pct: float | None = Field(default=None, gt=0)
    """The gateway's order preset "Percentage" (code 109): a limit so far from the market; none: it does not bind."""


class ExitSettings(Settings):
    """How a position ends."""

    stop_atr: float = Field(default=1.5, gt=0, le=50)
    """Stop distance in ATR14 of 1-minute bars..."""
    stop_min_pct: float = Field(default=2.0, gt=0, lt=100)
    """...but at least this per cent of the price."""
    target_r: float = Field(default=2.0, gt=0, le=1_000)
    """Target distance in R."""
    time_stop_s: float = Field(default=900.0, gt=0, le=604_800)
    """Longest holding time, market seconds."""
    flat_before_close_s: float = Field(default=300.0, ge=0, le=86_400)
    """All positions are closed this long before the session's close, half days too."""
    entry_cap_bps: float = Field(default=50.0, gt=0, le=1_000)
    """The entry's limit above the ask, bps: beyond it no fill."""
    entry_timeout_s: float = Field(default=10.0, gt=0, le=3_600)
    """An entry that has not filled is cancelled after this."""
    trail_r: float | None = Field(default=None, gt=0, le=1_000)
    """In regular hours the stop follows the highest price at this distance in R, by itself at the broker; none: it
    stands still. Off until a paper account has shown how IB tells and changes a trailing stop: docs/exits.md."""
    time_exit_at_broker: bool = False
    """A third leg sells at the market when the position must be gone, whether this machine runs then or not. Off until
    a paper account has shown that IB takes a good-after time with a parent and an OCA group."""
    flatten_timeout_s: float = Field(default=30.0, gt=0, le=3_600)
    """Wall seconds that a stop may take; then the session ends with what it holds, whose stops rest at the broker."""


class StorageSettings(Settings):
    """Where files go."""

    data_dir: str = "data"
    """Archive and intents, relative to the project folder."""
    runs_dir: str = "runs"
    """One folder a run, relative to the project folder."""
    logs_dir: str = "logs"
    """logs/bot.log, relative to the project folder."""
    log_max_mb: float = Field(default=10.0, gt=0)
    """Size at which the log rotates."""
    log_backups: int = Field(default=5, ge=0)
    """Rotated logs kept."""
    record: bool = False
    """Keep every inbound message in the run's folder; `momentum-kit data record RUN` makes an archive of it."""
    state_dir: str = ""
    """Who owns which account, with its latches and tokens; empty: the user's own. One path for all users of a machine,
    absolute, makes an account one owner's, whoever starts and whoever commands: its group may do both."""

    @model_validator(mode="after")
    def _absolute(self) -> "StorageSettings":
        if self.state_dir and not Path(self.state_dir).is_absolute():
            raise ValueError(f"state_dir {self.state_dir} is no absolute path: it means the same to every user")
        return self


class AlertSettings(Settings):
    """Who is told, when, and of what; off while the variable that `urls_env` names is not set."""

    urls_env: str = "MOMENTUM_KIT_ALERT_URLS"
    """Name of the variable with Apprise addresses, MOMENTUM_KIT_ALERT_...; never an address itself."""
    dead_man_env: str = "MOMENTUM_KIT_DEAD_MAN_URL"
    """Name of the variable with the secret address of a dead man's switch, MOMENTUM_KIT_DEAD_MAN_...; unset: off."""
    dead_man_every_s: float = Field(default=60.0, gt=0)
    """Wall seconds between two pings of it, while engine, gateway, feeds and alerts are well."""
    min_level: Literal["info", "warning", "critical"] = "warning"
    """Least level that a digest takes; everything is in the log."""
    digest_every_s: float = Field(default=1800.0, gt=0)
    """Wall seconds for which all but pages is collected into one message; a session's end sends the rest."""
    repeat_after_s: float = Field(default=600.0, ge=0)
    """A matter that was over and comes back is paged anew after this at the earliest."""
    quiet_from: str = Field(default="", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    """Start of the quiet hours, such as 22:00; empty: none. Pages always pass."""
    quiet_until: str = Field(default="", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    """End of the quiet hours."""
    quiet_zone: str = "America/New_York"
    """Time zone of the quiet hours."""
    reconnect_alarm_s: float = Field(default=60.0, gt=0)
    """Wall seconds without a gateway after which a human is told."""
    remind_before_s: float = Field(default=1800.0, ge=0)
    """Market seconds before the gateway's nightly restart and the weekly log-in at which a human is told; 0: never."""

    @field_validator("urls_env")
    @classmethod
    def _given_to_us(cls, name: str) -> str:
        return allowed_name(name, "MOMENTUM_KIT_ALERT_")

    @field_validator("dead_man_env")
    @classmethod
    def _given_for_this(cls, name: str) -> str:
        return allowed_name(name, "MOMENTUM_KIT_DEAD_MAN_")

    @model_validator(mode="after")
    def _consistent(self) -> "AlertSettings":
        if bool(self.quiet_from) is not bool(self.quiet_until):
            raise ValueError("quiet_from and quiet_until belong together")
        try:
            ZoneInfo(self.quiet_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"quiet_zone {self.quiet_zone!r} is no time zone") from None
        return self


class WatchdogSettings(Settings):
    """What becomes of an engine whose loop something holds, or that dies; a process of its own watches it."""

    held_after_s: float = Field(default=10.0, ge=5.0)
    """Wall seconds without a beat of the loop after which a human is told."""
    then: Literal["alert", "restart_keep", "restart_flatten"] = "alert"
    """alert: tell. restart_keep: end it, start one that keeps what is held. restart_flatten: one that closes it.

    Either forbids entries until a human resumes. At most three engines follow each other in a session.
    """


class Config(Settings):
    """Everything a session needs to know, frozen."""

    environment: Literal["sim", "paper", "live"]
    """sim: the simulated gateway. paper and live: IB. An environment is an address and its limits."""
    broker: BrokerSettings = BrokerSettings()
    clock: ClockSettings = ClockSettings()
    news: NewsSettings = NewsSettings()
    detection: DetectionSettings = DetectionSettings()
    thresholds: Thresholds = Thresholds()
    risk: RiskSettings = RiskSettings()
    exits: ExitSettings = ExitSettings()
    storage: StorageSettings = StorageSettings()
    alerts: AlertSettings = AlertSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    calendar: str = "XNYS"
    """exchange-calendars code of the market."""
    _arguments: str = PrivateAttr("--config FILE")

    @model_validator(mode="after")
    def _guards(self) -> "Config":
        broker, live = self.broker, self.environment == "live"
        if live and broker.port in PAPER_PORTS:
            raise ValueError(f"broker.port {broker.port} is a paper port, but environment is live")
        if not live and broker.port in LIVE_PORTS:
            raise ValueError(f"broker.port {broker.port} is a live port, but environment is {self.environment}")
        if broker.account_prefix.startswith(PAPER_PREFIXES) is live:
            raise ValueError(
                f"broker.account_prefix {broker.account_prefix!r} contradicts environment {self.environment}"
            )
        if broker.account and not broker.account.startswith(broker.account_prefix):
            raise ValueError(f"broker.account {broker.account} does not start with {broker.account_prefix}")
        if live and self.clock.kind != "wall":
            raise ValueError("clock.kind must be wall in the live environment")
        return self

    @property
    def owner_key(self) -> str:
        """Names the state folder of the one engine that owns this account; a simulated account lives at its port."""
        if self.environment == "sim":
            return f"sim-{self.broker.port}"
        return self.broker.account or f"{self.environment}-{_address(self.broker.host)}-{self.broker.port}"

    def told_apart(self, account: str) -> bool:
        """True if an account is owned by its own name already: simulated ones are told apart by their port alone."""
        return self.environment == "sim" or account == self.owner_key

    @property
    def arguments(self) -> str:
        """What names this session on a command line: the file, and the port where it is another than the file's."""
        return self._arguments

    def command(self, words: str) -> str:
        """A command line that reaches this very session, for a person to copy."""
        return f"momentum-kit {words} {self.arguments}"

    @property
    def needs_arming(self) -> bool:
        """True where orders move real money: an unexpired arming token is required."""
        return self.environment == "live"


def _address(host: str) -> str:
    """The same for every name of this machine's own loopback: they lead to one gateway, and so to one account."""
    name = host.strip().strip("[]").rstrip(".").lower()
    try:
        return LOOPBACK if ipaddress.ip_address(name).is_loopback else name
    except ValueError:
        return LOOPBACK if name in {"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"} else name
