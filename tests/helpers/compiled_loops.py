"""Has every numeric loop compiled before tests begin: `python -m tests.helpers.compiled_loops`.

In a fresh checkout each test process would compile them beside the others, and on a busy machine for longer than a test
may take; numba does not survive an alarm in the midst of it. What changes later is compiled by whoever comes first.
"""

import os
import tempfile
from datetime import date
from pathlib import Path

DAYS = date(2026, 5, 4), date(2026, 5, 6)  # as few of the sample's as bring every loop into play
AXES = {"min_z_tod": (4.0, 8.0)}


def main() -> None:
    """A small study and its sweep, in a folder and a state of their own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MOMENTUM_KIT_STATE_DIR"] = str(Path(folder) / "state")
        from momentum_kit import Study

        study = Study(folder=Path(folder) / "study")
        study.build(*DAYS)
        study.sweep(AXES)


if __name__ == "__main__":
    main()
