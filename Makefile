# make demo    the whole life of an application on this machine, in a minute
# make test    each promise once: the tests but for the exhaustive ones, in some minutes
# make check   formatting, lint, types and all tests: what continuous integration runs
# make coverage  which lines and branches the tests in one process reach: a report, no bar
# make acceptance  an application's life on an AWS account of yours, under a dollar; asks first
# make docs    write config.yaml and the table of docs/config.md from the settings' declarations
# make lock    pin what development, the local cloud and a release use (needs uv)
# make venv    the virtual environment, .venv, that the others use (made when it is missing)
# make clean   delete what these made; .batchctl/ stays, as it knows what is deployed

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
# What development and continuous integration use, by hash, for the Pythons that it was made for.
# `make venv LOCK=` takes what setup.py's ranges give today, as users get it.
LOCK ?= requirements-dev.txt
LOCKED := $(shell $(PYTHON) -c 'import sys; print((3, 11) <= sys.version_info[:2] <= (3, 14))')
# As many processes as processors; tests/conftest.py shares the tests out among them.
PYTEST := $(BIN)/python -m pytest --numprocesses auto
# Which tests `make check` runs: all of them. `TESTS='-m exhaustive'` leaves out what `make test` ran.
TESTS ?=

# For every system, and every Python that we support; `make lock UPGRADE=--upgrade` takes the newest.
COMPILE := uv pip compile $(UPGRADE) --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --quiet
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Without bytecode every process of the tests, and there are thousands, compiles batchctl anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check coverage acceptance docs lock venv clean

demo: $(INSTALLED)
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo.sh

test: $(INSTALLED)
	$(PYTEST) -m 'not exhaustive'

check: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --package tests
	$(PYTEST) $(TESTS)

coverage: $(INSTALLED)
	$(PYTEST) -m 'not e2e' --cov --cov-report=term:skip-covered --cov-report=html tests

# For example `make acceptance ARGUMENTS=--local`, or `ARGUMENTS="--door alb --yes"`.
acceptance: $(INSTALLED)
	@$(BIN)/python bench/acceptance.py $(ARGUMENTS)

docs: $(INSTALLED)
	$(BIN)/python -m batchctl.config.documentation

lock:
	$(COMPILE) setup.py --extra local --extra dev --output-file requirements-dev.txt
	$(COMPILE) batchctl/local/environment/requirements.in --constraint requirements-dev.txt \
		--output-file batchctl/local/environment/requirements.txt
	$(COMPILE) .ci/release.in --output-file .ci/release.txt

venv: $(INSTALLED)

$(INSTALLED): setup.py requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'error: `$(PYTHON)` must be Python 3.11 or later: install it, or name one:' \
			'make PYTHON=python3.13' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'error: `$(PYTHON)` cannot make virtual environments. On Debian and Ubuntu:' \
			'sudo apt-get install python3-venv' >&2; exit 1; }
	@echo 'installing into .venv: a minute or two, once' >&2
	@$(PYTHON) -m venv .venv
	@if [ '$(LOCKED)' = True ] && [ -n '$(LOCK)' ]; then \
		$(PIP) --require-hashes --requirement $(LOCK) && \
		$(PIP) --no-deps --no-build-isolation --editable .; \
	else \
		$(PIP) --editable '.[local,dev]'; \
	fi
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.coverage htmlcov sbom.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
