# Each target sets up what it needs in $(VENV), and nothing outside it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test slow lint format docs benchmarks clean

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.user  ## Set up, and run the demo
	$(BIN)/negspace demo

test: $(VENV)/.developer  ## Set up, and run the tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadscope

slow: $(VENV)/.developer  ## Run the full-size checks that are left out of the tests by default
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.developer  ## Check style, types and the import contract
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.developer  ## Format, and mend what can be mended by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/.developer  ## Write the pages of docs/reference that are made from the code
	NEGSPACE_WRITE_DOCS=1 $(BIN)/python -m pytest -q tests/cli/test_cli_docs.py tests/test_python_docs.py

benchmarks: $(VENV)/.developer  ## Time audit, replicas, mining and probe against their peers
	$(PIP) --editable '.[bench]'
	$(BIN)/python benchmarks/audit.py
	$(BIN)/python benchmarks/replicas.py
	$(BIN)/python benchmarks/mining.py
	$(BIN)/python benchmarks/probe.py
	$(BIN)/python benchmarks/probe_pressure.py
	$(BIN)/python benchmarks/probe_steps.py

clean:  ## Remove the virtual environment and all caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# pip would say so too, in forty lines. One expression, which Python 2.7 understands as well.
NEW_ENOUGH = import sys; v = sys.version_info; v >= (3, 11) or sys.exit('negspace needs Python 3.11 or newer; \
this is %d.%d (%s): give another one, as in make demo PYTHON=python3.12' % (v[0], v[1], sys.executable))

$(BIN)/python:
	@$(PYTHON) -c "$(NEW_ENOUGH)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.user: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.developer: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev,hf,lab,mine,st,torch,tune]'
	@touch $@ $(VENV)/.user
