# make demo    the whole life of an application on this machine, in a minute
# make test    each promise once: the tests but for the exhaustive ones, in some minutes
# make check   formatting, lint, types and all tests: what continuous integration runs
# make venv    the virtual environment, .venv, that the others use (made when it is missing)
# make clean   delete what these made; .batchctl/ stays, as it knows what is deployed

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
# As many processes as processors; tests/conftest.py shares the tests out among them.
PYTEST := $(BIN)/python -m pytest --numprocesses auto

.PHONY: demo test check venv clean

demo: $(INSTALLED)
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo.sh

test: $(INSTALLED)
	$(PYTEST) -m 'not exhaustive'

check: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --package tests
	$(PYTEST)

venv: $(INSTALLED)

$(INSTALLED): setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'error: `$(PYTHON)` must be Python 3.11 or later: install it, or name one:' \
			'make PYTHON=python3.13' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'error: `$(PYTHON)` cannot make virtual environments. On Debian and Ubuntu:' \
			'sudo apt-get install python3-venv' >&2; exit 1; }
	@echo 'installing into .venv: a minute or two, once' >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[local,dev]'
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
