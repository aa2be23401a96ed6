# Everything here needs Python 3.11 or later, make and git; what is installed goes into $(VENV).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test slow wire browser check bench plots performance faults fuzz man docs pictures dist lock audit clean

demo: $(VENV)/.embedded
	$(BIN)/storlet-shell --local --ephemeral -x -f examples/quickstart.storlets

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow --numprocesses 2 --dist worksteal

wire: $(VENV)/.dev
	UPDATE_WIRE=1 $(BIN)/python -m pytest -q tests/test_wire.py

browser: $(VENV)/.browser
	$(BIN)/python -m pytest -o addopts="-ra --strict-markers --strict-config" tests/browser

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

plots: $(VENV)/.dev
	$(BIN)/python -m benchmarks.curves

performance: $(VENV)/.dev
	$(BIN)/python -m benchmarks.page

faults: $(VENV)/.dev
	$(BIN)/python -m faults $(MODULES)

RUNS ?= 20000

fuzz: $(VENV)/.fuzz
	$(BIN)/python -m pytest -q --numprocesses 2 --hypothesis-profile large tests/properties
	for target in lines scripts responses; do $(BIN)/python -m fuzz $$target -runs=$(RUNS) || exit 1; done

man: $(VENV)/.embedded
	$(BIN)/python -m storlet_shell.adapters.cli.reference > docs/storlet-shell.1

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going --quiet --builder html docs build/docs

pictures: $(VENV)/.docs
	$(BIN)/python docs/pictures

dist: $(VENV)/.dist
	.ci/dist $(VENV)

lock: $(VENV)/.docs $(VENV)/.browser
	$(BIN)/python .ci/lock write

audit: $(VENV)/.docs $(VENV)/.browser
	.ci/audit $(VENV)

clean:
	rm -rf $(VENV) build dist docs/generated *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name one: make PYTHON=python3.12 …")'
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
