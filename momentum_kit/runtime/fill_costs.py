"""The cost table of a session: the project's config/costs.yaml, else the one that the kit ships."""

from collections.abc import Callable
from pathlib import Path

from momentum_kit.errors import ConfigError
from momentum_kit.runtime.project import shipped
from momentum_kit.trading import CommissionPlan, FillCosts, parse_costs
from momentum_kit.yaml_files import read_yaml


def read_fill_costs(project: Path, plan: CommissionPlan, on_incident: Callable[[str, str], None]) -> FillCosts:
    """What fills cost where the broker does not say; a table that cannot be read is told and stops no session."""
    own = project / "config" / "costs.yaml"
    file = own if own.is_file() else shipped() / "config" / "costs.yaml"
    try:
        content = read_yaml(file, ConfigError)
        if not isinstance(content, dict):
            raise ConfigError("expected lists of rates")
        return FillCosts(parse_costs(content), plan)
    except ConfigError as error:
        words = " ".join(str(error).split())
        on_incident("costs", f"{file}: {words}; costs that the broker does not report are not estimated")
        return FillCosts(plan=plan)
