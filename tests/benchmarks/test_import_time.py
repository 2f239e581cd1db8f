import json
import subprocess
import sys

GOAL_MS = 150.0
HEAVY = {"matplotlib", "ipywidgets", "papermill", "pandas", "numpy", "ibapi", "aiohttp"}
PROBE = """
import json, sys, time
started = time.perf_counter()
import momentum_kit
elapsed_ms = (time.perf_counter() - started) * 1e3
print(json.dumps({"ms": elapsed_ms, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def test_importing_the_package_is_quick_and_loads_nothing_heavy(capsys) -> None:
    """`import momentum_kit` leaves the heavy libraries to who needs them; its time is printed for a human."""
    runs = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    best_ms = min(run["ms"] for run in runs)
    assert not HEAVY & set(runs[0]["modules"])
    with capsys.disabled():
        print(f"\nimport momentum_kit: {best_ms:.1f} ms (goal {GOAL_MS:.0f})")
