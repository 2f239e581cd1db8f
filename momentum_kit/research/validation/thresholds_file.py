"""Export: a candidate with what is known about it as a threshold file that a live session loads, under a hash."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from momentum_kit.config import (
    Config,
    Thresholds,
    ThresholdsExport,
    export_hash,
    judged_settings,
    load_thresholds,
)
from momentum_kit.errors import GuardRefused, ResearchError, StorageError
from momentum_kit.research.validation.evidence import Evidence
from momentum_kit.research.validation.verdict import Verdict
from momentum_kit.sessions import exchange_day
from momentum_kit.trading import CostTable

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_HEADER = """\
# Exported by research; live sessions load it as it is. Change a value and the hash no longer holds: export again.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedWith:
    """What the evidence rests on besides the thresholds: settings by dotted name, digest of the data, date of costs."""

    settings: Mapping[str, Any]
    archive: str
    costs_as_of: date | None


def judged_with(config: Config, rule: Mapping[str, Any], costs: CostTable, archive: str, last_day: date) -> JudgedWith:
    """What a strategy was judged with. rule: the exit rule's numbers, in the place of the session's own exits.

    Raises ResearchError for an exit that no session executes.
    """
    name = rule["name"]
    if rule["trail_r"] is not None:
        raise ResearchError(f"export: exit rule {name} trails its stop, and no session is proven to; take one without")
    if rule["target_r"] is None:
        raise ResearchError(f"export: exit rule {name} has no target, and every bracket has one; give target_r")
    exits = {f"exits.{key}": value for key, value in rule.items() if key != "name"}
    dated = (*costs.fixed, *costs.tiered, *costs.sec, *costs.taf, *costs.cat)
    since = max((each.since for each in dated if each.since <= last_day), default=None)
    return JudgedWith(settings=judged_settings(config) | exits, archive=archive, costs_as_of=since)


def export_thresholds(
    folder: str | Path, name: str, evidence: Evidence, verdict: Verdict, despite: str = "", *, judged: JudgedWith
) -> Path:
    """Write `<folder>/<name>.yaml` and return its path; the file is complete or not there.

    despite: why it is wanted although the verdict is not accept; stands in the file. Raises GuardRefused without it,
    ResearchError for a bad or taken name and where there is no candidate.
    """
    if not _NAME.fullmatch(name):
        raise ResearchError(f"export: {name!r} is no name for a file; use small letters, digits, _ and -")
    file = Path(folder) / f"{name}.yaml"
    if file.exists():
        raise ResearchError(
            f"export: {file} exists already; exported thresholds are never replaced, choose another name"
        )
    if evidence.candidate is None:
        raise ResearchError(
            "export: there is no candidate: no cell stands out among its neighbours; sweep a wider grid and validate it"
        )
    if verdict.word != "accept" and not despite:
        raise GuardRefused(
            f"export: the verdict is {verdict.word}: {verdict.why}; give a reason to export it despite that"
        )
    content = exported(name, evidence.candidate, evidence, verdict, despite, judged=judged)
    text = _HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    _write(file, text)
    load_thresholds(file)
    return file


def exported(
    name: str, candidate: Thresholds, evidence: Evidence, verdict: Verdict, despite: str = "", *, judged: JudgedWith
) -> dict[str, Any]:
    """The content of the file, hash included."""
    rate = evidence.rate
    stamp = ThresholdsExport(
        exit_rule=evidence.exit_rule,
        first_day=evidence.first_day,
        last_day=evidence.sealed_days[1] if evidence.sealed_days else evidence.last_day,
        code_version=evidence.code_version,
        trials=evidence.sharpe.trials,
        dsr=_known(evidence.sharpe.dsr),
        pbo=_known(evidence.pbo.probability),
        sealed_net_bps=_known(evidence.sealed.estimate) if evidence.sealed else None,
        sealed_opened=len(evidence.openings),
        verdict=verdict.word,
        despite=despite,
        signals_per_session=rate.mean,
        signals_per_session_low=_or(rate.low, rate.mean),
        signals_per_session_high=_or(rate.high, rate.mean),
        signals_dispersion=rate.dispersion,
        marks=evidence.marks,
        exported_on=exchange_day(datetime.now(UTC)),
        judged=dict(judged.settings),
        archive=judged.archive,
        costs_as_of=judged.costs_as_of,
        hash="",
    )
    limits = candidate.model_copy(update={"name": name}).model_dump(mode="json", exclude={"export"})
    content = {**limits, "export": stamp.model_dump(mode="json")}
    content["export"]["hash"] = export_hash(content)
    return content


def _write(file: Path, text: str) -> None:
    """Never half a file, and never over another one: link fails where somebody was faster."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("w", encoding="utf-8") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            os.link(partial, file)
        finally:
            partial.unlink(missing_ok=True)
    except FileExistsError:
        raise ResearchError(f"export: {file} exists already; choose another name") from None
    except OSError as error:
        raise StorageError(f"export: {file}: {error.strerror or error}") from None


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _or(value: float, other: float) -> float:
    return value if math.isfinite(value) else other
