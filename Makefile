# make demo, make test: nothing but Python 3.11, git and make is needed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
CONFIG ?= config.yaml
BIN := .venv/bin
LINT := .venv-lint/bin

FUZZ ?= 50
TO ?= comparison.html

.PHONY: help install install-slurm demo test fuzz test-slurm lint check preview compare clean-removed docs
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

install: .venv/installed ## build the environment in .venv, as requirements.lock says

.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Python 3.11 is needed; found $$($(PYTHON) --version 2>&1). Say where it is: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "This Python lacks the venv module. On Debian and Ubuntu: apt-get install python3.11-venv"; exit 1; }
	@echo "Installing into .venv ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --requirement <(sed -n '/^uv==/,/^[^ ]*==/{/^uv==/p;/^ /p}' requirements.lock)
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements.lock || \
	  $(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	@touch $@

install-slurm: .venv/installed-slurm ## add the executor for Slurm (requirements-slurm.lock)

.venv/installed-slurm: requirements-slurm.lock .venv/installed
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --require-hashes --requirement requirements-slurm.lock || \
	  $(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes --requirement requirements-slurm.lock
	@touch $@

demo: install ## run the workflow on the embedded demo cohort
	@$(BIN)/snakemake --cores $(CORES)
	@echo; echo "The report: $(CURDIR)/results/report.html"

test: install ## run all tests
	@$(BIN)/python -m pytest

fuzz: install ## run the random tests of the readers FUZZ (50) times as long, with new examples
	@IMMUNE_RESET_FUZZ=$(FUZZ) $(BIN)/python -m pytest tests/unit/test_fuzz_inputs.py

test-slurm: install-slurm ## run the tests that need a Slurm (tests/slurm/cluster_up.sh starts one)
	@$(BIN)/python -m pytest -m slurm tests/slurm

.venv-lint/installed: requirements-lint.lock .venv/installed
	@$(PYTHON) -m venv --clear .venv-lint
	@VIRTUAL_ENV=$(CURDIR)/.venv-lint $(BIN)/uv pip sync --quiet --require-hashes requirements-lint.lock || \
	  $(LINT)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-lint.lock
	@touch $@

lint: install .venv-lint/installed ## check the style of Python and Snakemake code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(LINT)/snakefmt --check --line-length 100 Snakefile workflow/rules
	@$(BIN)/snakemake --lint

check: install ## validate CONFIG, its sheets and the heads of its files; runs nothing
	@$(BIN)/python workflow/scripts/check_inputs.py $(CONFIG)

preview: install ## what a change would run again, and for how long: SET='clusters.resolution=1'
	@$(BIN)/python workflow/scripts/preview.py --config $(CONFIG) --cores $(CORES) "$${SET:-}"

compare: install ## two finished runs side by side, claim by claim: A=results/one B=results/two TO=comparison.html
	@$(BIN)/python workflow/scripts/compare_runs.py "$(A)" "$(B)" --to "$(TO)"

clean-removed: install ## delete results of samples and patients that are no longer in the sheet of CONFIG
	@$(BIN)/python workflow/scripts/clean_removed.py $(CONFIG)

docs: install ## write config.yaml, envs/, docs/configuration.md, docs/outputs.md and docs/reruns.md
	@$(BIN)/python docs/generate.py
	@$(BIN)/python docs/reruns.py
