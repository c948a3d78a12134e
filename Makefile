# make run    set up what is missing and start the console on http://localhost:8501
# make test   set up what is missing and run lint, types and all tests
# make bench  set up what is missing, run the benchmarks and print their medians
# make lint   lint and types only
# make format put the code into shape
# make audit  ask the OSV database for known holes in the pinned packages (needs the network; CI runs it)
# make clean  remove what the commands above made, but no data
#
# PORT=8600   another port for the console
# PYTHON=...  the Python to set up with (3.11 or newer); found by itself otherwise
# CHROMIUM=.. the browser of the browser tests; found, or installed as root on Debian, otherwise
# TESTS=...   what pytest runs, for example TESTS="tests/team -k refund"

VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
TESTS ?=
# Without compiled modules every process of the tests would compile all of them for itself.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

.PHONY: help run test chromium collect bench lint format audit clean
.DEFAULT_GOAL := help

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

# Python compiles what it imports, once; to compile all that is installed takes longer than everything else.
# The mark is set last, so a set-up that was interrupted is done again. An environment that works is kept: made anew over
# one of another Python it would have the program of the one and the modules of the other.
$(VENV)/.ready: requirements.txt constraints.txt
	@if [ -z "$(PYTHON)" ] && .ci/python $(BIN)/python >/dev/null 2>&1 && $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		echo "Bringing $(VENV) up to date."; \
	else \
		python="$$(.ci/python "$(PYTHON)")" || exit 1; \
		echo "Setting up $(VENV) with $$python; the first time takes a minute or two."; \
		"$$python" -m venv --clear $(VENV); \
	fi
	@$(PIP) --no-compile -r requirements.txt
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt constraints.txt
	@echo "Setting up the tools of the checks."
	@$(PIP) --no-compile -r requirements-dev.txt
	@touch $@

run: $(VENV)/.ready
	@echo "The console will be on http://localhost:$(PORT); \"make run PORT=8600\" takes another port. Stop it with Ctrl+C."
	@exec $(BIN)/streamlit run app.py --server.port $(PORT)

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The browser is looked for, and may be installed, while the rest is set up and checked; to collect the tests once leaves
# them compiled for the workers, who say what is wrong with one.
test:
	@$(MAKE) --no-print-directory -j 3 chromium lint collect
	@CHROMIUM="$$(.ci/chromium)" $(BIN)/python -m pytest -n 2 --dist loadgroup $(TESTS)

chromium:
	@.ci/chromium >/dev/null

collect: $(VENV)/.ready-dev
	@$(BIN)/python -m pytest --collect-only --quiet --quiet $(TESTS) >/dev/null || true

bench: $(VENV)/.ready-dev
	$(BIN)/python -m bench

# Not a part of "make test": what it says changes without any change here, and it needs the network.
audit:
	@"$$(.ci/python "$(PYTHON)")" .ci/audit

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results bench-results
