import json
import subprocess
import sys

LONGEST_MS = 150.0
HEAVY = {"matplotlib", "ipywidgets", "papermill", "pandas", "ibapi"}
PROBE = """
import json, sys, time
started = time.perf_counter()
import momentum_kit
elapsed_ms = (time.perf_counter() - started) * 1e3
print(json.dumps({"ms": elapsed_ms, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def test_importing_the_package_is_quick_and_loads_nothing_heavy():
    """`import momentum_kit` takes under 150 ms and leaves pandas, matplotlib and papermill to who needs them."""
    runs = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    best_ms = min(run["ms"] for run in runs)
    sys.stdout.write(f"import momentum_kit: {best_ms:.1f} ms (limit {LONGEST_MS:.0f} ms)\n")
    assert not HEAVY & set(runs[0]["modules"])
    assert best_ms < LONGEST_MS
