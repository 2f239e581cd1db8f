"""`momentum-kit doctor`: whether this machine, this configuration and this gateway are ready."""

from momentum_kit.runtime.doctor.doctor import Finding, Grade, examination

__all__ = ["Finding", "Grade", "examination"]
