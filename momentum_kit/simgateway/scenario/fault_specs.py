"""Faults a scenario may order, each with when and whom: the `faults:` section, which the faults package plays."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field

from momentum_kit.simgateway.scenario.account_faults import (
    BustedTrade,
    DoomedModify,
    Lag,
    LateAnswer,
    ManualCancel,
    ManualTrade,
    OrderIdsAnew,
    OrderPresets,
    RefuseStops,
    StrayEnd,
    UnreadableRow,
    WhatIfAnswers,
)
from momentum_kit.simgateway.scenario.fault_base import ClientFault, Fault, MessageFault


class DropSocket(ClientFault):
    """The connection breaks."""

    kind: Literal["drop_socket"] = "drop_socket"
    how: Literal["fin", "reset", "silence"] = "fin"
    """fin: an orderly end. reset: RST. silence: no FIN; the socket stays open and dead, as when a cable is pulled."""


class Stall(ClientFault):
    """The gateway neither reads nor writes for a while, then goes on."""

    kind: Literal["stall"] = "stall"
    wall_s: float = Field(default=5.0, gt=0)
    """Seconds of the wall clock."""


class Trickle(ClientFault):
    """Everything is written in tiny pieces for a while."""

    kind: Literal["trickle"] = "trickle"
    wall_s: float = Field(default=5.0, gt=0)
    """Seconds of the wall clock."""
    size: int = Field(default=1, ge=1)
    """Bytes a piece; a piece a millisecond."""


class SlowReader(ClientFault):
    """The gateway does not read for a while, so that the client's send buffer fills; it still writes."""

    kind: Literal["slow_reader"] = "slow_reader"
    wall_s: float = Field(default=5.0, gt=0)
    """Seconds of the wall clock."""


class Outage(Fault):
    """The gateway itself goes: all sockets end and its port refuses, the broker keeps everything."""

    kind: Literal["nightly_restart", "weekly_logout", "second_login"] = "nightly_restart"
    """nightly_restart: back after a while. weekly_logout (Sunday): not back until somebody logs in.
    second_login: somebody else logged in with this user, told by 1100, then like a log-out."""
    down_wall_s: float | None = Field(default=None, gt=0)
    """Seconds of the wall clock until it listens again; left out: 5 for a restart, never for the others."""


class ConnectivityLost(Fault):
    """1100: the gateway has lost IB. Requests to IB wait, nothing but the clock answers, what happens is not told."""

    kind: Literal["connectivity_lost"] = "connectivity_lost"
    for_s: float = Field(default=30.0, gt=0)
    """Market seconds until it is restored."""
    restored: Literal["data_kept", "data_lost", "never"] = "data_kept"
    """data_kept: 1102. data_lost: 1101, every subscription is gone."""
    notices: int = Field(default=1, ge=1, le=100)
    """How often 1100 is told; resets repeat it."""


class FarmFlap(Fault):
    """A data farm breaks (2103, 2105, 2157) and is back (2104, 2106, 2158); what is asked of it meanwhile waits."""

    kind: Literal["farm_flap"] = "farm_flap"
    farm: Literal["usfarm", "ushmds", "secdefnj"] = "usfarm"
    """usfarm: market data. ushmds: history. secdefnj: contracts."""
    for_s: float = Field(default=30.0, gt=0)
    """Market seconds."""
    stops: tuple[str, ...] = ()
    """Symbols whose subscriptions stay silent afterwards, until they are subscribed anew."""


class CompetingSession(Fault):
    """10197 for every market data line: another session of this user takes the data for a while."""

    kind: Literal["competing_session"] = "competing_session"
    for_s: float = Field(default=30.0, gt=0)
    """Market seconds."""


class DropOrder(ClientFault):
    """The next placeOrder (with `before`, that one) vanishes without a word."""

    kind: Literal["drop_order"] = "drop_order"


class DelayAcks(ClientFault):
    """Everything about orders arrives late."""

    kind: Literal["delay_acks"] = "delay_acks"
    delay_ms: int = Field(default=2_000, gt=0)
    """Market milliseconds."""
    for_s: float = Field(default=60.0, gt=0)
    """Market seconds."""


class Duplicate(MessageFault):
    """Messages arrive twice."""

    kind: Literal["duplicate"] = "duplicate"


class Reorder(MessageFault):
    """Messages change places with the next one of these kinds."""

    kind: Literal["reorder"] = "reorder"


class WrongFieldCount(MessageFault):
    """Messages miss fields at their end, or have more than they should."""

    kind: Literal["wrong_field_count"] = "wrong_field_count"
    fields: int = Field(default=-1, ge=-200, le=200)
    """How many more; on the protobuf wire bytes are cut off, or an unknown field is added."""


class GarbageFrame(ClientFault):
    """A well-framed message of random bytes."""

    kind: Literal["garbage_frame"] = "garbage_frame"
    size: int = Field(default=40, ge=1, le=1_000_000)
    """Bytes."""


class OversizeFrame(ClientFault):
    """A frame whose length is beyond what any client takes; nothing after it can be understood."""

    kind: Literal["oversize_frame"] = "oversize_frame"
    claims: int = Field(default=0x7FFFFFFF, ge=0x1000000, le=0xFFFFFFFF)
    """Bytes its header claims; a few follow."""


class ClockSkew(Fault):
    """Every clock reading and error time is off for a while."""

    kind: Literal["clock_skew"] = "clock_skew"
    skew_s: float = 90.0
    """Seconds; negative: the gateway's clock is slow."""
    for_s: float = Field(default=60.0, gt=0)
    """Market seconds."""


class UnknownIds(ClientFault):
    """Ticks, bars, errors and an order status come for ids that nobody asked for."""

    kind: Literal["unknown_ids"] = "unknown_ids"
    FIRST_ID: ClassVar[int] = 987_654


AnyFault = Annotated[
    DropSocket
    | Stall
    | Trickle
    | SlowReader
    | Outage
    | ConnectivityLost
    | FarmFlap
    | CompetingSession
    | DropOrder
    | DelayAcks
    | Duplicate
    | Reorder
    | WrongFieldCount
    | GarbageFrame
    | OversizeFrame
    | ClockSkew
    | UnknownIds
    | ManualTrade
    | BustedTrade
    | ManualCancel
    | OrderIdsAnew
    | Lag
    | LateAnswer
    | StrayEnd
    | UnreadableRow
    | OrderPresets
    | RefuseStops
    | DoomedModify
    | WhatIfAnswers,
    Field(discriminator="kind"),
]


def _kinds() -> dict[str, Any]:
    union, _ = get_args(AnyFault)
    return {kind: fault for fault in get_args(union) for kind in get_args(fault.model_fields["kind"].annotation)}


KINDS: dict[str, type[Fault]] = _kinds()
