# The same commands for a person and for CI. Nothing here needs more than Python and a C++ compiler;
# the first run builds llama.cpp once (some minutes), and pip keeps the result for the next one.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What is measured: the embedded model, the same grown to CodeGen-350M's shape, and random weights.
BENCH := build/bench
BENCH_MODELS := $(foreach type,Q4_K_M Q8_0,$(foreach name,nano nano-350M random-350M,$(name)-$(type)))
BENCH_RESULTS := $(BENCH_MODELS:%=$(BENCH)/%.json)
# What is typed. `counted` and `large` are typed without a clock: many keys, and one file of 9,691 lines.
REPLAY := build/replay
REPLAY_TEXT := $(foreach each,c cpp go java javascript python rust typescript typescriptreact,$(REPLAY)/$(each))
REPLAY_RESULTS := $(foreach name,nano 350M counted gate large,$(BENCH)/replay-$(name).json)
REPLAY_BASELINE := --length 80 --baseline
$(BENCH)/replay-nano.json: TYPED := $(REPLAY)/python --title "nano, Python" --pieces 16 $(REPLAY_BASELINE)
$(BENCH)/replay-350M.json: TYPED := $(REPLAY)/python --title "350M, Python" --pieces 10 $(REPLAY_BASELINE) \
  --model $(BENCH)/nano-350M-Q4_K_M.gguf
$(BENCH)/replay-350M.json: $(BENCH)/nano-350M-Q4_K_M.gguf
$(BENCH)/replay-counted.json: TYPED := $(REPLAY_TEXT) --title "nano, nine languages, counted" --fast --pieces 90
$(BENCH)/replay-gate.json: TYPED := $(REPLAY)/python --title "nano, counted" --fast --pieces 8 \
  --thresholds 0.05,0.4,0.7
$(BENCH)/replay-large.json: TYPED := $(REPLAY)/large --title "nano, a large file" --fast --pieces 3
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test test-editors bench replay lint format lock wheel clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY) ## the development environment, in .venv

.SECONDARY: # models that were made for `make bench` are kept

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

bench: $(READY) $(BENCH_RESULTS) ## measure the engine, beside others that are installed (20 minutes or more)
	$(BIN)/python benchmarks/report.py benchmarks/engine.json README.md $(BENCH_RESULTS)
	rm $(BENCH_RESULTS)

replay: $(READY) $(REPLAY_RESULTS) ## type real code through the server and the baseline (half an hour)
	$(BIN)/python benchmarks/replay_report.py benchmarks/replay.json README.md benchmarks/replay.svg $(REPLAY_RESULTS)
	rm $(REPLAY_RESULTS)

$(BENCH)/replay-%.json: $(REPLAY)
	mkdir -p $(BENCH)
	$(BIN)/codegen-lsp bench replay $(TYPED) --json > $@.partial
	mv $@.partial $@

$(REPLAY): | $(READY)
	$(BIN)/python benchmarks/corpus.py $@.partial
	mv $@.partial $@

# Each result is kept as it comes, so that `make bench` goes on where it was interrupted.
$(BENCH)/%.json: $(BENCH)/%.gguf
	$(BIN)/codegen-lsp bench engine --model $< --repetitions 4 --peers --json > $@.partial
	mv $@.partial $@

$(BENCH)/%-Q4_K_M.gguf: $(BENCH)/%-f16.gguf
	$(BIN)/codegen-quantize quantize $< $@ Q4_K_M

$(BENCH)/%-Q8_0.gguf: $(BENCH)/%-f16.gguf
	$(BIN)/codegen-quantize quantize $< $@ Q8_0

$(BENCH)/%-f16.gguf: | $(BENCH)/%
	$(BIN)/codegen-quantize convert $(BENCH)/$* $@

$(BENCH)/nano: | $(READY)
	mkdir -p $(BENCH)
	$(BIN)/codegen-quantize restore codegen_lsp/data/nano.gguf $@

$(BENCH)/nano-350M: | $(BENCH)/nano
	$(BIN)/codegen-quantize inflate $(BENCH)/nano $@ --shape codegen-350M

$(BENCH)/random-350M: | $(READY)
	mkdir -p $(BENCH)
	$(BIN)/codegen-quantize random $@ --shape codegen-350M

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
