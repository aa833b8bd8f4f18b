# `make demo`, `make run` and `make test` are enough. Each sets everything up in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: demo run test check bench clean

demo: $(VENV)/.demo          ## install into .venv, start the demo stack and open the dashboard on it
	@$(BIN)/mcptop demo $(ARGS)

run: $(VENV)/.run            ## install into .venv and open the dashboard on this machine
	@$(BIN)/mcptop $(ARGS)

test: $(VENV)/.dev           ## run every test this machine can run; what is skipped says why
	@$(BIN)/python -m pytest -q -n $(WORKERS) --no-loadscope-reorder tests $(ARGS)

check: $(VENV)/.dev          ## style, types and import contracts
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: $(VENV)/.dev          ## cost beside `docker stats`, as in the README
	$(BIN)/python tests/bench/compare.py $(ARGS)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[demo]'
	@touch $@ $(VENV)/.run

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.demo $(VENV)/.run

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
