"""The thresholds in force: the tuned file's, or a set that a human applied, changed as a whole or not at all."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from momentum_kit.config import Thresholds, first_problem
from momentum_kit.errors import InputError
from momentum_kit.models import Catalyst


@dataclass(frozen=True)
class ThresholdState:
    """The set in force beside the one of the tuned file."""

    current: Thresholds
    file: Thresholds

    @property
    def hash(self) -> str:
        """Names the set in force in eight characters."""
        return thresholds_hash(self.current)

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """What differs: name to the file's value and the one in force."""
        return differences(self.file, self.current)

    def words_since(self, before: "ThresholdState") -> str:
        """What has changed, in one line for journal and human."""
        moved = differences(before.current, self.current).items()
        words = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in moved) or "nothing changed"
        return f"thresholds {self.hash} in force: {words}"

    def applied(self, values: Mapping[str, Any]) -> "ThresholdState":
        """With these values over the set in force; InputError, one line, unless the whole set is valid.

        It is a hand's work from then on: the origin that research may have stamped on the file is not the set's.
        """
        if "export" in values:
            raise InputError("export: only research stamps a set; apply limits alone")
        merged = {**_limits(self.current), "name": self.current.name, **values}
        try:
            changed = Thresholds.model_validate(
                {name: tuple(value) if isinstance(value, list) else value for name, value in merged.items()},  # JSON's
                strict=True,
            )
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "thresholds"
            known = f"; known: {', '.join(Thresholds.model_fields)}" if first["type"] == "extra_forbidden" else ""
            raise InputError(f"{where}: {first_problem(error)}{known}") from None
        unknown = set(changed.barred_catalysts) - {str(each) for each in Catalyst}
        if unknown:
            raise InputError(f"barred_catalysts: unknown {', '.join(sorted(unknown))}")
        return ThresholdState(changed, self.file)

    def reverted(self) -> "ThresholdState":
        """The file's set again."""
        return ThresholdState(self.file, self.file)


def thresholds_hash(thresholds: Thresholds) -> str:
    """The same for the same values, whichever file or hand they came from."""
    return hashlib.sha256(json.dumps(_limits(thresholds), sort_keys=True).encode()).hexdigest()[:8]


def differences(before: Thresholds, after: Thresholds) -> dict[str, tuple[Any, Any]]:
    """Name to both values, where they differ."""
    old, new = _limits(before), _limits(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def _limits(thresholds: Thresholds) -> dict[str, Any]:
    return thresholds.model_dump(mode="json", exclude={"name", "export"})
