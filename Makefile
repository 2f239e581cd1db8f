# Every target sets itself up from nothing but python3 (3.11 or newer, with venv) and make. Another Python beside it:
# make PYTHON=python3.13 VENV=.venv3.13 test

PYTHON ?= python3
VENV := .venv
TESTS :=
RUNS := 3000
SEED := 1
RECORD :=
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Where it is set, each of the hundreds of processes that tests start would compile the package once more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test fuzz audit lint house trips lab pairs docs chaos mutants soak week bench matrix compare parity recovery clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: $(STAMP)  ## create .venv with the locked, hash-checked packages and this project

# The lock is whole; asked to look for what a package needs, some versions of pip find a newer one, and refuse it.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11; try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "setting up $(VENV); this happens once, and again when the lock changes"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --no-deps -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## headlines, decisions, orders, fills and profit against a simulated gateway
	@$(BIN)/momentum-kit demo

# A fresh checkout compiles the numeric loops once, not once in each test process.
$(VENV)/.compiled: $(STAMP)
	@$(BIN)/python -m tests.helpers.compiled_loops > /dev/null
	@touch $@

test: setup $(VENV)/.compiled  ## all tests, three processes on two cores; TESTS=tests/unit for some of them
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(TESTS)

fuzz: setup  ## a million broken inputs at each edge: requests, frames, ticks, headlines, files, answers; HOURS=1 for so long
	@$(BIN)/python -m tests.hostile.fuzz $(if $(HOURS),--hours $(HOURS)) $(if $(filter command line,$(origin SEED)),--seed $(SEED))

audit: setup  ## pins, hashes and licences of the lock, offline; the bill of materials beside the wheel, below dist/
	@$(BIN)/python tests/architecture/audit.py dist/momentum_kit.cdx.json

lint: setup  ## style, types and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

house: setup  ## the package in numbers: modules, importers, doubled names, constructors, circles, contracts
	@$(BIN)/python tests/architecture/house.py

trips: setup  ## which files a headline, a fill, a click and a sweep pass through, counted by running them
	@$(BIN)/python tests/architecture/trips.py

lab: setup  ## JupyterLab in this folder, so that runs/ and config/ are at hand, open at notebooks/
	@$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

pairs: setup  ## beside each notebook its cells as a .py, by which a change of it is read
	@$(BIN)/python -m tests.notebooks.pairs

docs: setup  ## the API reference, from the docstrings, below site/
	@$(BIN)/python docs/reference/build.py site
	@echo site/index.html

chaos: setup  ## fault drills, assumption pairs, evidence model, boundaries, RUNS random worlds from SEED, a tenth with processes
	@MOMENTUM_KIT_ALL_PAIRS=1 $(BIN)/python -m pytest tests/chaos tests/gateway/test_bracket_lifecycle.py --timeout 600
	@MOMENTUM_KIT_SAFETY_RUNS=5000 $(BIN)/python -m pytest tests/unit/services/execution/test_order_safety.py --timeout 0
	@$(BIN)/python -m tests.chaos.orders.model
	@$(BIN)/python -m tests.chaos.orders.boundaries
	@$(BIN)/python -m tests.chaos.orders.run --runs $(RUNS) --seed $(SEED) $(if $(RECORD),--record)
	@$(BIN)/python -m tests.chaos.orders.processes --runs $$(($(RUNS) / 10)) --seed $(SEED) $(if $(RECORD),--record)

mutants: setup  ## is the proof a proof? bugs that cost money, planted one by one, must be caught; WORDS="stop" for some
	@$(BIN)/python -m tests.mutants.run $(WORDS)

soak: setup  ## six hours of a busy session at twenty times their speed: flat memory, a small notebook
	@$(BIN)/python tests/soak/run.py

week: setup  ## trading days one after the other: log-ins, half day, summer time, a crash a day; flat, told, one review
	@$(BIN)/python -m tests.soak.week

bench: setup  ## what a start, the bridge and a demo cost, beside their goals; more by `momentum-kit bench`
	@for name in start bridge demo; do $(BIN)/momentum-kit bench $$name || exit 1; done

matrix: setup  ## every supported client, in an environment of its own, against the simulated gateway
	@$(BIN)/python tests/gateway/matrix/run.py

kernels: setup  ## a notebook, headless runs and the panel under every supported ipykernel, in environments of their own
	@$(BIN)/python tests/notebooks/kernels/run.py

compare: setup  ## what the simulated gateway says, beside what was recorded of a live one, message by message
	@$(BIN)/python -m pytest tests/gateway/test_recorded_frames.py tests/gateway/test_transcripts.py -qs -rs -n 0 -p no:randomly

parity: setup  ## twenty archive days three ways: event table, virtual replay, wire replay
	@$(BIN)/python tests/parity/three_ways.py --days 20

recovery: setup  ## twenty markets with a planted edge and two hundred without, each to its verdict
	@$(BIN)/python tests/recovery/run.py

clean:  ## remove .venv (and .venv3.N) and everything derived; runs, data and logs stay
	@rm -rf $(VENV) .venv3.* dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
