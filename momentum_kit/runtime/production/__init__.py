"""`momentum-kit run`: a notebook executed headlessly, its engine owned, its report written."""

from momentum_kit.runtime.production.bounds import Bounds
from momentum_kit.runtime.production.deaths import KernelDeath, read_deaths
from momentum_kit.runtime.production.production import (
    RunOutcome,
    address_overrides,
    prepare_out,
    run_notebook,
    settings_of,
)
from momentum_kit.runtime.production.report import print_summary, run_summary, write_summary

__all__ = [
    "Bounds",
    "KernelDeath",
    "RunOutcome",
    "address_overrides",
    "prepare_out",
    "print_summary",
    "read_deaths",
    "run_notebook",
    "run_summary",
    "settings_of",
    "write_summary",
]
