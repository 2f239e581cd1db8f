"""Base of every section of the configuration: strict, frozen values whose fields explain themselves."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Settings(BaseModel):
    """Base of every section: frozen; an unknown key is refused, and so is a limit that is nan or infinite."""

    # no use_attribute_docstrings: for every field's description each start would parse the source, a sixth of its cost
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty_section(cls, content: Any) -> Any:
        return {} if content is None else content  # `risk:` with every key commented out
