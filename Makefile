# make demo        install, then the main job at small size: generate, train, compare; ends with a report
# make test        install, then everything that is checked before a commit lands
# make test-slow   the tests that take minutes
# make bench       the speed tables
# make lint        style, layers and types only

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= runs/demo

# One thread per process: tests run side by side, and timings are compared at one thread.
THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1

.PHONY: demo test test-slow bench lint
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(BIN)/pdekit compare examples/demo/plan.toml --out $(DEMO)

test: lint
	$(THREADS) $(BIN)/pytest -n 2 --dist loadfile -m "not slow and not bench"

test-slow: $(VENV)/.installed-dev
	$(THREADS) $(BIN)/pytest -m slow --timeout 3600

bench: $(VENV)/.installed-dev
	$(THREADS) PDEKIT_UNCHECKED=1 $(BIN)/pytest -m bench -s --timeout 3600

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11, 3.12 or 3.13 found; name one: make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.installed
