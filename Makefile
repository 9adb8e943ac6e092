# Each target builds .venv from setup.cfg first when it is missing or older than setup.cfg.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.installed
CODE := nas search_spaces surrogates experiments benchmarks tests

.PHONY: demo test check bench slow gpu
demo: $(READY)
	$(BIN)/nas demo --out runs/demo

test: check
	$(BIN)/python -m pytest -n auto -q

check: $(READY)
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

slow: $(READY)
	$(BIN)/python -m pytest -q -m slow

gpu: $(READY)
	$(BIN)/python -m pytest -q -m gpu

bench: $(READY)
	$(BIN)/python -m benchmarks

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --editable '.[test]'
	touch $(READY)
