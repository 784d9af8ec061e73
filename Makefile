# keepgate: every target sets itself up from committed lock files; a second run is fast.
#
#   make run      the demo: keepgate before real servers, then stays up (RUN_ONCE=1: ends after the demo)
#   make check    format, lint, types, arrows, unit tests: under two minutes
#   make test     everything: make check, the conformance suite, real servers, end to end
#   make soak     one hour under a mixed load: nothing may grow, fail, or be missing in the log
#   make bench-detection   how well attacks are seen, and what is flagged by mistake: docs/detection.md
#   make bench    what a call costs beside nginx and other forwarders: docs/benchmarks.md

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

# The Python that .uv and .venv are made with: the distribution's own first, because it is built with profile-guided
# optimisation; what pyenv compiles is not, and runs the same code at two thirds of the speed.
PYTHON ?= $(shell for each in /usr/bin/python3.11 /usr/bin/python3.12 /usr/bin/python3.13 python3.11 python3.12 python3.13 python3; do \
	"$$each" -c 'import ensurepip, venv' 2>/dev/null && command -v "$$each" && break; done)
FUZZ_SECONDS ?= 60
PYTEST_ARGS ?=
# each test file whole in one worker.
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN)
BENCH_ARGS ?=

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

STAMPS := .cache/stamps
SETUP := $(STAMPS)/python $(STAMPS)/peers
PYTEST := .venv/bin/python -m pytest
ALL := -q --numprocesses=$(WORKERS) --dist=loadfile

.PHONY: help setup run test check lint unit conformance real fuzz bench soak bench-peers bench-detection bench-detection-peers \
	format lock clean

help:
	@sed -n 's/^#   //p' Makefile

setup: $(SETUP)

# --- setting up -----------------------------------------------------------------------------------

.uv/bin/uv: tools/uv-requirements.txt
	@test -n "$(PYTHON)" || { echo "keepgate needs Python 3.11 or newer with venv: none was found on PATH" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "keepgate needs Python 3.11 or newer: $(PYTHON) is older; make PYTHON=/path/to/python3.11" >&2; exit 1; }
	"$(PYTHON)" -m venv --clear .uv
	.uv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r tools/uv-requirements.txt
	@touch $@

$(STAMPS)/python: .uv/bin/uv pyproject.toml uv.lock
	.uv/bin/uv sync --quiet --locked --group node --python "$(PYTHON)"
	@mkdir -p $(STAMPS) && touch $@

PEER_FILES := tools/peers.sh $(wildcard tests/peers/*/*.txt tests/peers/npm/*.json)

$(STAMPS)/peers: $(STAMPS)/python $(PEER_FILES)
	tools/peers.sh
	@mkdir -p $(STAMPS) && touch $@

# --- using ----------------------------------------------------------------------------------------

# exec, so that a signal to this process reaches the demo itself.
run: setup
	@PATH="$(CURDIR)/.cache/peers/bin:$(CURDIR)/.uv/bin:$$PATH" exec .venv/bin/python examples/demo/run.py

# --- checking -------------------------------------------------------------------------------------

lint: $(STAMPS)/python
	.venv/bin/ruff format --check --quiet .
	.venv/bin/ruff check --quiet .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo --cache-dir .cache/import-linter

unit: $(STAMPS)/python
	tools/system.sh bubblewrap:bwrap
	$(PYTEST) $(ALL) -m "not e2e and not conformance and not real and not slow" $(PYTEST_ARGS)

check: lint unit

conformance: setup
	$(PYTEST) -m conformance tests/conformance $(PYTEST_ARGS)

real: setup
	tools/system.sh chromium bubblewrap:bwrap
	$(PYTEST) -m real tests/real $(PYTEST_ARGS)

test: setup lint
	tools/system.sh chromium bubblewrap:bwrap
	$(PYTEST) $(ALL) $(PYTEST_ARGS)

# Coverage-guided fuzzing of what reads bytes from outside (Linux).
fuzz: $(STAMPS)/python
	.uv/bin/uv sync --quiet --locked --inexact --group node --group fuzz --python "$(PYTHON)"
	@mkdir -p .cache/fuzz
	@for target in fuzz/fuzz_*.py; do \
	    corpus=.cache/fuzz/$$(basename "$$target" .py); mkdir -p "$$corpus"; \
	    echo "fuzz: $$target for $(FUZZ_SECONDS) s"; \
	    .venv/bin/python "$$target" -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=.cache/fuzz/ "$$corpus"; \
	done

# BENCH_ARGS chooses: "S1 P1 -r 3" is one scenario and one profile in half a minute.
bench: $(STAMPS)/python
	tools/system.sh gcc libc6-dev:/usr/include/stdio.h nginx wrk util-linux:taskset
	.venv/bin/python -m bench $(BENCH_ARGS)

# A long run under a mixed load, then the log counted: SOAK_SECONDS=180 to try it, SOAK_CALLS=1000000 for calls only.
SOAK_SECONDS ?= 3600
SOAK_CALLS ?= 0
SOAK_RATE ?= 150

soak: $(STAMPS)/python
	@mkdir -p .cache
	.venv/bin/python -m bench.soak --seconds $(SOAK_SECONDS) --calls $(SOAK_CALLS) --rate $(SOAK_RATE) --out .cache/soak.json

# The forwarders it is measured against; without them the tables say that they are not installed.
bench-peers: $(STAMPS)/peers
	bench/peers.sh

# How well attacks are seen, per source, beside other detectors where they are installed: docs/detection.md.
bench-detection: $(SETUP)
	.venv/bin/python -m bench.detection $(BENCH_ARGS)

# Other detectors, and security tools for their readmes.
bench-detection-peers: $(STAMPS)/python
	.uv/bin/uv venv --quiet --clear --python .venv/bin/python .cache/detection
	.uv/bin/uv pip install --quiet --python .cache/detection/bin/python --no-deps --require-hashes --only-binary :all: \
	    -r bench/peers/detection/requirements.txt

format: $(STAMPS)/python
	.venv/bin/ruff check --fix --quiet . || true
	.venv/bin/ruff format --quiet .

# Renews every lock file from what is asked for beside it.
COMPILE := .uv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet --upgrade

lock: .uv/bin/uv
	.uv/bin/uv lock --upgrade
	$(COMPILE) tools/uv-requirements.in -o tools/uv-requirements.txt
	$(COMPILE) tests/peers/pypi/requirements.in -o tests/peers/pypi/requirements.txt
	$(COMPILE) tests/peers/sdist/build-requirements.in -o tests/peers/sdist/build-requirements.txt
	$(COMPILE) --no-deps tests/peers/sdist/requirements.in -o tests/peers/sdist/requirements.txt
	for peer in fastmcp mcp-proxy litellm contextforge; do \
	    $(COMPILE) bench/peers/$$peer/requirements.in -o bench/peers/$$peer/requirements.txt; \
	done
	$(COMPILE) --no-deps bench/peers/detection/requirements.in -o bench/peers/detection/requirements.txt
	cd bench/peers/npm && PATH="$(CURDIR)/.cache/peers/bin:$$PATH" npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved
	cd tests/peers/npm && PATH="$(CURDIR)/.cache/peers/bin:$$PATH" npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

clean:
	rm -rf .cache .uv .venv .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
