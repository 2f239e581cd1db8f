"""The study that notebooks and the command line hold: every step of research, and a tuner to turn by hand."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from momentum_kit.config import Thresholds
from momentum_kit.research import StudySteps

if TYPE_CHECKING:
    from momentum_kit.notebook.tuner.tuner import Tuner


class Study(StudySteps):
    """One archive, what is assumed about it, and the folder of its study: the steps of research, with a tuner.

    archive: its folder, looked up from the project's where it is not found. folder: of the study, ARCHIVE.study beside
    the archive unless given. config: whose detection, exits and costs are assumed. exits: a YAML file of exit rules;
    without one the session's own, named live. spread_bps: assumed where the archive has no quotes; nan leaves such
    events without a decision. scheduler: address of a dask scheduler that does the long work. Raises InputError, one
    line, for what is not there.
    """

    def tuner(
        self,
        axes: Mapping[str, Iterable[float]] | None = None,
        exits: Mapping[str, Iterable[float]] | None = None,
        *,
        against: str | Path | Thresholds | None = None,
        exit_rule: str | None = None,
    ) -> "Tuner":
        """A dial for each threshold and each number of the exit rule, over the open days; arguments of `tuning`.

        While one is dragged: net of a fill with its band, fills by day, what the shadow book says of the rule that
        moves, a map over two dials with the plateau, and the events gained and lost against a file, each with its tape.
        Opening it books its whole grid as trials, once; dragging adds none.
        """
        from momentum_kit.notebook.tuner.tuner import Tuner  # ipywidgets: only where one is shown

        return Tuner(self.tuning(axes, exits, against=against, exit_rule=exit_rule), self.tape_plot)
