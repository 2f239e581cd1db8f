import subprocess
import sys
from importlib.metadata import version

import momentum_kit

HEAVY = {"matplotlib", "ipywidgets", "papermill", "pandas", "numpy", "ibapi", "aiohttp", "scipy", "numba"}


def test_public_names_are_there_and_no_others() -> None:
    """The package's face is pinned: a new public name is a decision."""
    assert sorted(momentum_kit.__all__) == ["Config", "Kit", "Review", "Run", "Runs", "Study", "load_config"]
    assert all(getattr(momentum_kit, name) for name in momentum_kit.__all__)


def test_the_version_is_the_installed_one_and_is_looked_up_when_asked() -> None:
    """`import momentum_kit` reads no metadata; what it says of itself is what pip says."""
    assert momentum_kit.__version__ == version("momentum-kit")
    assert "__version__" not in vars(momentum_kit)


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`import momentum_kit` leaves the heavy libraries to who needs them."""
    assert not HEAVY & loaded_by("momentum_kit")


def test_an_engine_loads_nothing_that_only_research_needs() -> None:
    """A session that starts, perhaps to take over a position, does not wait for a compiler or for tables."""
    assert not (HEAVY - {"numpy", "ibapi", "aiohttp"}) & loaded_by("momentum_kit.runtime.engine")


def test_a_watchdog_loads_no_client_of_the_web() -> None:
    """One stands beside every engine, ready to take over: it sends alerts, and reads nothing."""
    assert not HEAVY & loaded_by("momentum_kit.runtime.watchdog.takeover")


def test_a_report_loads_no_study() -> None:
    """Each production run writes one: the statistics of studies would be half of what its kernel loads."""
    assert not {"scipy.stats", "momentum_kit.detection.news"} & loaded_by("momentum_kit.notebook.flight_log")


def loaded_by(module: str) -> set[str]:
    """Names of the modules that importing a module loads, in a process of its own."""
    probe = f"import sys, {module}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split())
