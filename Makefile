# Everything runs from the project's own .venv; the first target that needs it makes it from requirements.lock.
# What is installed is compiled once, not by every process that starts.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_ARGS ?=

.PHONY: demo demo-llm ui test soak survive check format clean

demo: $(READY)  ## play the scripted demo arms through the asset graph, print the figure's table, serve the pages
	$(BIN)/di demo $(if $(filter 0,$(DEMO_SERVE)),--no-serve) $(DEMO_ARGS)

demo-llm: $(VENV)/.ready-local  ## the same with a small real language model on this machine, through both providers
	$(BIN)/python -m di_assets.cli.local $(LOCAL_ARGS)

ui: $(READY)  ## serve the dashboard and the Dagster UI on loopback
	$(BIN)/di ui $(UI_ARGS)

test: $(READY)  ## the default test suite; browser tests run where a Chromium is found
	$(BIN)/python -m pytest $(PYTEST_ARGS)

soak: $(READY)  ## the long run against a hostile provider: 200 episodes, 20 kills, 50 budgets; some eight minutes
	SOAK_EPISODES=200 SOAK_KILLS=20 SOAK_BUDGETS=50 $(BIN)/python -m pytest tests/play/test_soak.py tests/play/test_hostile.py -m slow -n 0 -s

survive: $(READY)  ## a backfill of 40 batches on a Dask cluster through kills of a run, a worker and the daemon; some six minutes
	SURVIVAL_BATCHES=40 $(BIN)/python -m pytest tests/control_room/test_survival.py -m slow -n 0 -s

check: $(READY)  ## format, lint, types, layers; style sheets and scripts where their linter is to be had (Linux, x86-64)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	test ! -x $(BIN)/biome || $(BIN)/biome ci --error-on-warnings dashboard/web
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	test ! -x $(BIN)/biome || $(BIN)/biome check --write dashboard/web

clean:  ## remove everything made here but the warehouse
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say PYTHON=/path/to/python3")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

$(READY): requirements.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.ready-local: requirements-local.lock $(READY)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --requirement requirements-local.lock
	touch $@
