# The same commands for a person and for CI. Nothing here needs more than Python and a C++ compiler;
# the first run builds llama.cpp once (some minutes), and pip keeps the result for the next one.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test test-editors lint format lock wheel clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY) ## the development environment, in .venv

$(READY): requirements-dev.txt pyproject.toml
	@echo "Setting up $(VENV). The first time this builds llama.cpp: expect 5 to 15 minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## complete real code with the embedded model
	$(BIN)/codegen-lsp complete tests/data/demo.py:9:9

test: $(READY) ## every test that needs no editor
	$(BIN)/python -m pytest

test-editors: $(READY) ## the same in real editors (installs them below .editors where missing)
	bash tests/editors/setup.sh .editors
	$(BIN)/python -m pytest -o addopts= tests/editors

lint: $(READY) ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## put the formatting right
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## pin the development environment again (needs uv)
	uv pip compile --universal --generate-hashes --python-version 3.10 --no-annotate --no-header \
	  --no-emit-index-url --group dev pyproject.toml --upgrade --output-file requirements-dev.txt

wheel: $(READY) ## the package, in dist/
	$(BIN)/python -m hatchling build -t wheel

clean: ## drop what was built
	rm -rf $(VENV) .editors dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
