"""config/error_codes.yaml -> what a broker code means where it appears; an unknown code is never guessed at."""

import re
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from momentum_kit.config import find_project
from momentum_kit.errors import ConfigError
from momentum_kit.yaml_files import read_yaml

FILE_NAME = "error_codes.yaml"
Context = Literal["request", "order", "connection"]


class Meaning(StrEnum):
    """What a code says about the thing it is tied to; services rely on these words."""

    INFO = "info"
    DATA_ADVISORY = "data advisory"  # delayed or other data: the symbol must not be traded
    WARNING = "warning"  # an order stays live
    REQUEST_FAILED = "request failed"
    ORDER_DEAD = "order dead"
    PRICE_REFUSED = "price refused"  # the order is dead by its limit: nearer to the market another may pass
    CANCEL_VERDICT = "cancel verdict"  # a cancel or change was refused: the order may be live or FILLED, reconcile
    RETRY_LATER = "retry later"
    CONNECTION_LOST = "connection lost"  # gateway to broker; our socket stays
    CONNECTION_FATAL = "connection fatal"  # this socket is over
    SESSION_CONFLICT = "session conflict"
    UNKNOWN = "unknown"  # reconcile


class Action(StrEnum):
    """What the bridge does about it."""

    NONE = "none"
    NO_DATA = "no data"  # fail the request with NoData
    PACING = "pacing"  # fail the request with PacingViolation and slow down
    FAIL = "fail"  # fail the request, end the line
    RESUBSCRIBE = "resubscribe"  # ask for this line again
    MARK_DELAYED = "mark delayed"
    FARM_UP = "farm up"
    FARM_DOWN = "farm down"
    FARM_DORMANT = "farm dormant"
    FARM_CONNECTING = "farm connecting"
    LINK_DOWN = "link down"
    LINK_UP = "link up"  # subscriptions live on
    LINK_UP_DATA_LOST = "data lost"  # the link is up; subscribe everything again
    CONFLICT = "conflict"
    SLOW_DOWN = "slow down"
    DISCONNECT = "disconnect"


@dataclass(frozen=True, slots=True)
class CodeVerdict:
    """The meaning of one code in one place."""

    meaning: Meaning
    action: Action = Action.NONE
    advice: str = ""


UNKNOWN_CODE = CodeVerdict(Meaning.UNKNOWN, advice="not in error_codes.yaml: reconcile, then add it there")


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: tuple[int, ...]
    context: Context | Literal["any"] = "any"
    when: str = ""
    meaning: Meaning
    action: Action = Action.NONE
    advice: str = ""


class CodeTable:
    """Rules by code, in file order: the first whose context and text fit decides."""

    def __init__(self, rules: list[_Rule]) -> None:
        self._rules: defaultdict[int, list[tuple[str, re.Pattern[str], CodeVerdict]]] = defaultdict(list)
        for rule in rules:
            verdict = CodeVerdict(rule.meaning, rule.action, rule.advice)
            for code in rule.codes:
                self._rules[code].append((rule.context, re.compile(rule.when, re.IGNORECASE), verdict))

    def verdict(self, code: int, context: Context, text: str = "") -> CodeVerdict:
        """What `code` means for a request, an order or the connection; UNKNOWN_CODE if no rule fits."""
        for where, when, verdict in self._rules.get(code, ()):
            if where in ("any", context) and when.search(text):
                return verdict
        return UNKNOWN_CODE


def load_codes(path: Path | None = None) -> CodeTable:
    """Read the table: `path`, else the project's config folder, else the one beside the package.

    Raises ConfigError in one line that names the file.
    """
    file = path or _locate()
    content = read_yaml(file, ConfigError)
    if not isinstance(content, list):
        raise ConfigError(f"{file}: expected a list of rules")
    rules = []
    for index, entry in enumerate(content, 1):
        try:
            rules.append(_Rule.model_validate(entry))
            re.compile(rules[-1].when)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{file}: rule {index}: {where}: {first['msg']}") from None
        except re.error as error:
            raise ConfigError(f"{file}: rule {index}: when: {error}") from None
    return CodeTable(rules)


def _locate() -> Path:
    try:
        file = find_project() / "config" / FILE_NAME
        if file.is_file():
            return file
    except ConfigError:  # no project here: the table beside the package will do
        pass
    return Path(__file__).resolve().parents[2] / "config" / FILE_NAME
