# Two commands matter: `make run` starts Peyvand, `make test` runs everything that must hold.
# Only make and Python 3.11 or newer are assumed; all else goes into .venv.

VENV := .venv
BIN := $(VENV)/bin
# pip writes these when it has finished; newer settings make the next run install again.
RUN_STAMP := $(VENV)/.installed-run
TEST_STAMP := $(VENV)/.installed-test
BENCH_STAMP := $(VENV)/.installed-bench
SETTINGS := setup.cfg pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run test lint security bench bench-quick wheel clean

help:
	@echo "make run     start Peyvand on http://127.0.0.1:8000"
	@echo "make test    run the linters and every test"
	@echo "make lint    run the linters alone"
	@echo "make security  look for holes in a running installation with sample data"
	@echo "make bench   measure beside Django's admin, Flask-Admin and plain SQL, on a million contacts"
	@echo "make bench-quick  the same on a tenth of the data"
	@echo "make wheel   build a wheel into dist/"
	@echo "make clean   remove what these commands made; the data in instance/ stays"

run: $(RUN_STAMP)
	@exec $(BIN)/peyvand serve

test: $(TEST_STAMP)
	@$(BIN)/python -m scripts.browser
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

lint: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy

security: $(TEST_STAMP)
	@$(BIN)/python -m scripts.security

bench: $(BENCH_STAMP)
	$(BIN)/python -m benchmarks

bench-quick: $(BENCH_STAMP)
	$(BIN)/python -m benchmarks --scale 0.1

wheel: $(TEST_STAMP)
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that was made by hand is used as it is; one whose Python has gone is made anew.
$(BIN)/python:
	@python=; \
	for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			python=$$candidate; break; \
		fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$($$python --version); this takes a minute, once."; \
	"$$python" -m venv --clear $(VENV)

$(RUN_STAMP): $(SETTINGS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(TEST_STAMP): $(SETTINGS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(RUN_STAMP)

$(BENCH_STAMP): $(SETTINGS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,bench]'
	@touch $@ $(TEST_STAMP) $(RUN_STAMP)
