from pathlib import Path

import pytest
import yaml

from momentum_kit.simgateway.scenario import parse_scenario
from momentum_kit.simgateway.scenario.docs import reference

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "scenarios.md"


def test_the_reference_is_what_the_model_says() -> None:
    """The document ends with what `python -m momentum_kit.simgateway.scenario.docs` prints."""
    assert DOCUMENT.read_text(encoding="utf-8").endswith(reference())


def examples() -> list[str]:
    """The YAML blocks of the document."""
    return [part.partition("```")[0] for part in DOCUMENT.read_text(encoding="utf-8").split("```yaml\n")[1:]]


@pytest.mark.parametrize("text", examples())
def test_every_example_is_a_scenario(text: str) -> None:
    """What the document shows can be served as it stands."""
    parse_scenario(yaml.safe_load(text))
