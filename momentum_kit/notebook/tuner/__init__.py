"""A study in a notebook: the same steps, and the tuner with its widgets."""

from momentum_kit.notebook.tuner.study import Study

__all__ = ["Study"]
