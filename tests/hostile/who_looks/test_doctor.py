"""The doctor looks at what a start would refuse, and leaves everything as it was."""

from pathlib import Path

from tests.hostile.outsider import listing, momentum_kit


def test_it_names_a_state_folder_that_others_may_write(project: Path) -> None:
    """With the remedy; files of the user's in the folders that it tries are kept."""
    for name in ("data", "runs", "logs"):
        (project / name).mkdir()
        (project / name / ".doctor").write_text("mine")
    before = listing(project)
    (project / "state").mkdir(mode=0o700)
    (project / "state").chmod(0o777)
    done = momentum_kit(project, "doctor", "--config", "config/sim.yaml")
    told = "".join((done.stdout + done.stderr).split())  # it breaks its lines where the terminal ends
    assert f"everybodymaywrite{project / 'state'}" in told
    assert "chmodgo-w" in told
    assert listing(project) == before
