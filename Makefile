# Every target needs Python 3.11 or later, make, and git. Packages are installed into $(VENV), never into the system.
# `make help` prints the comment after each target's "##".
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test slow command derived wire browser check bench plots performance faults conformance fuzz docs pictures dist lock audit clean

help: ## List the targets (the default)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.embedded ## Install into .venv, start the embedded Swift, and run examples/quickstart.storlets
	$(BIN)/storlet-shell --local --ephemeral -x -f examples/quickstart.storlets

test: $(VENV)/.dev ## Run the fast tests against the embedded Swift (several minutes)
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

slow: $(VENV)/.dev ## Run the slow tests, including the examples in the documentation
	$(BIN)/python -m pytest -m slow --numprocesses 2 --dist worksteal

command: $(VENV)/.dev ## Write a new command, its test, and everything derived (NAME=tally)
	$(BIN)/python -m scaffold.command $(NAME)
	$(MAKE) --no-print-directory derived

derived: $(VENV)/.dev ## Regenerate everything that follows from the commands' specs: table, setup.cfg, manual page, tests/wire
	$(BIN)/python -m scaffold.derived
	UPDATE_JSON=1 $(BIN)/python -m pytest -q tests/test_json_page.py
	$(MAKE) --no-print-directory wire

wire: $(VENV)/.dev ## Rewrite tests/wire, the requests that each command sends
	UPDATE_WIRE=1 $(BIN)/python -m pytest -q tests/test_wire.py

browser: $(VENV)/.browser ## Test the notebook in Chromium
	$(BIN)/python -m pytest -o addopts="-ra --strict-markers --strict-config" tests/browser

check: $(VENV)/.dev ## Run ruff, mypy, and the test of the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

bench: $(VENV)/.dev ## Measure performance against swift, rclone, curl, and openstack (20 minutes)
	$(BIN)/python -m benchmarks

plots: $(VENV)/.dev ## Measure how performance scales (15 minutes)
	$(BIN)/python -m benchmarks.curves

performance: $(VENV)/.dev ## Write both measurements into docs/performance.md
	$(BIN)/python -m benchmarks.page

faults: $(VENV)/.dev ## Break servers, networks, disks, and processes, and count losses (MODULES=kills for one part)
	$(BIN)/python -m faults $(MODULES)

conformance: $(VENV)/.dev ## Run the functional tests of Swift and Storlets on the embedded Swift (SUITES=swift for some)
	$(BIN)/python -m conformance $(SUITES)

RUNS ?= 20000

fuzz: $(VENV)/.fuzz ## Search for input that breaks a parser (RUNS=20000 for each target)
	$(BIN)/python -m pytest -q -m slow --numprocesses 2 --hypothesis-profile large tests/properties
	for target in lines scripts responses; do $(BIN)/python -m fuzz $$target -runs=$(RUNS) || exit 1; done

docs: $(VENV)/.docs ## Build the documentation site in build/docs
	$(BIN)/python -m sphinx -W --keep-going --quiet --builder html docs build/docs

pictures: $(VENV)/.docs ## Record the pictures of the terminal and the notebook
	$(BIN)/python docs/pictures

dist: $(VENV)/.dist ## Build the packages in dist, and try them in empty environments
	.ci/dist $(VENV)

lock: $(VENV)/.docs $(VENV)/.browser ## Rewrite requirements/lock.txt from the installed packages
	$(BIN)/python .ci/lock write

audit: $(VENV)/.docs $(VENV)/.browser ## Look up known vulnerabilities of the installed packages
	.ci/audit $(VENV)

clean: ## Delete the environment and everything that was built
	rm -rf $(VENV) build dist docs/generated *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is required; name it: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.embedded: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[embedded]'
	touch $@

$(VENV)/.dev: $(VENV)/.embedded
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[dev]'
	touch $@

$(VENV)/.browser: $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[browser]'
	touch $@

$(VENV)/.fuzz: $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[fuzz]'
	touch $@

$(VENV)/.docs: $(VENV)/.embedded
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[docs]'
	touch $@

$(VENV)/.dist: $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check 'build>=1.2,<2'
	touch $@
