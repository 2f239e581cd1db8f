"""`momentum-kit doctor`: whether this machine, this configuration and this gateway are ready."""

from momentum_kit.runtime.doctor.doctor import examination
from momentum_kit.runtime.doctor.finding import Finding, Grade
from momentum_kit.runtime.doctor.settings_checks import judge_settings

__all__ = ["Finding", "Grade", "examination", "judge_settings"]
