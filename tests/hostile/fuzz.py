"""`make fuzz`: each edge under fire. A million inputs each, or for hours in rounds of fresh seeds: `make fuzz HOURS=1`.

A round that fails ends it and says the seed; `make fuzz SEED=N` is that round again.
"""

import argparse
import os
import random
import subprocess
import sys
import time

from tests.helpers.fuzzing import INPUTS, SEED

EDGES = (
    "tests/gateway/test_fuzz.py",
    "tests/unit/detection/news/test_mutated_headlines.py",
    "tests/unit/bridge/wire/test_ticks.py",
    "tests/unit/bridge/wire/test_mutated_frames.py",
    "tests/hostile/test_mutated_files.py",
)
A_MILLION, A_ROUND = 1_000_000, 5_000


def main() -> int:
    """Exit status of pytest, 0 once the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=0.0, help="rounds until then; 0: one round of a million")
    parser.add_argument("--seed", type=int, help="one round of this seed alone")
    asked = parser.parse_args()
    begun, seeds = time.monotonic(), random.SystemRandom()
    rounds = 0
    while True:
        seed = seeds.randrange(10**9) if asked.seed is None else asked.seed
        inputs = A_ROUND if asked.hours or asked.seed is not None else A_MILLION
        print(f"seed {seed}, {inputs:,} inputs an edge", flush=True)
        environment = {**os.environ, INPUTS: str(inputs), SEED: str(seed)}
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *EDGES]
        if status := subprocess.run(command, env=environment, check=False).returncode:
            print(f"failed; once more: make fuzz SEED={seed}", flush=True)
            return status
        rounds += 1
        passed_s = time.monotonic() - begun
        print(f"round {rounds} after {passed_s / 60:.1f} minutes", flush=True)
        if passed_s >= asked.hours * 3600:
            return 0


if __name__ == "__main__":
    sys.exit(main())
