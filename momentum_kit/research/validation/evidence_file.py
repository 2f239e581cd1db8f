"""Evidence as a file, between `validate`, which may open the seal only once, and `export`."""

import json
import math
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from momentum_kit.errors import ResearchError
from momentum_kit.research.validation.evidence import Evidence

_ADAPTER = TypeAdapter(Evidence)


def save_evidence(file: Path, evidence: Evidence) -> None:
    """Write it as JSON; what cannot be known stands there as "nan"."""
    content = _words_for_numbers(_ADAPTER.dump_python(evidence, mode="json"))
    file.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def load_evidence(file: Path) -> Evidence:
    """What `save_evidence` wrote; ResearchError where there is none."""
    try:
        return _ADAPTER.validate_python(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ResearchError(f"{file}: no verdict here; run: momentum-kit research validate") from None
    except (ValueError, ValidationError) as error:
        raise ResearchError(f"{file}: not evidence ({str(error).splitlines()[0]}); validate again") from None


def _words_for_numbers(value: Any) -> Any:
    """JSON has no nan and no infinity."""
    if isinstance(value, dict):
        return {key: _words_for_numbers(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_words_for_numbers(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
