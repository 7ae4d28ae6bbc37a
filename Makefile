# Every command of the project. Bare `make` lists them; each sets up what it needs.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-strip-extras \
	--custom-compile-command "make lock"

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test coverage conformance check breaking gen bench reset up lock wheel

help:
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: .venv/.run-stamp ## start everything in this process, on the data in .chat
	@$(BIN)/chat serve

test: .venv/.dev-stamp ## all tests, in parallel
	@$(BIN)/python -m pytest -q

coverage: .venv/.dev-stamp ## all tests, and what of the code they reach
	@$(BIN)/python -m pytest --cov --cov-report=term --cov-report=json:.cache/coverage.json
	@$(BIN)/python tools/coverage_floor.py .cache/coverage.json

conformance: .venv/.dev-stamp ## what clients rely on, tried over REST, Socket.IO and gRPC against a server of its own
	@$(BIN)/python -m pytest tests/e2e --ignore tests/e2e/pages

check: .venv/.dev-stamp breaking ## format, lint, types, import rules, spelling, contracts, drift of generated files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy mesh services facade cli tools tests bench
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/codespell
	@$(BIN)/buf lint gen/chat/descriptor.binpb --config buf.yaml
	@$(BIN)/python tools/gen.py .cache/gen && diff -rq -x __pycache__ gen .cache/gen
	@$(BIN)/python tools/docs.py .cache/docs && diff docs/errors.md .cache/docs && diff docs/grpc.md .cache/docs

breaking: .venv/.dev-stamp ## that the contracts break nobody who uses those of the main before
	@$(BIN)/python tools/breaking.py

gen: .venv/.dev-stamp ## gen/ and the references in docs/, from proto/
	@$(BIN)/python tools/gen.py
	@$(BIN)/python tools/docs.py

bench: .venv/.dev-stamp ## measure this machine, beside peers where they can be had; docs/benchmarks.md
	@$(BIN)/python -m bench

reset: ## forget all data: .chat is removed
	rm -rf .chat

up: ## start PostgreSQL, Redis and a mail server in containers; deploy/compose.yaml says how to use them
	docker compose --file deploy/compose.yaml up --detach --wait

lock: .venv/.dev-stamp ## pin what pyproject.toml asks for, with hashes for every platform
	@$(PIP) uv==0.13.9
	@echo 'hatchling' | $(LOCK) pyproject.toml - --output-file requirements/run.txt
	@$(LOCK) pyproject.toml --group dev --constraints requirements/run.txt --output-file requirements/dev.txt

wheel: .venv/.dev-stamp ## the distributable, in dist/
	@$(BIN)/python -m hatchling build --target wheel

# The stamps say that the virtual environment holds what the lock files name; a fresh one costs no call of pip.
.venv/.run-stamp: requirements/run.txt pyproject.toml | $(BIN)/pip
	@echo "Installing what the server needs ..."
	@$(PIP) --require-hashes --requirement requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev-stamp: requirements/dev.txt pyproject.toml | $(BIN)/pip
	@echo "Installing what tests and tools need ..."
	@$(PIP) --require-hashes --requirement requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch .venv/.run-stamp $@

# pip comes last into a virtual environment: where it is missing, the last attempt was cut short.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv, or make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making .venv ..."
	@$(PYTHON) -m venv --clear .venv
