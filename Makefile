# make run: set everything up and show the monitor on the simulated patient
# make test: set everything up and run the tests
# make docs: set everything up and build the documentation into build/site
# make test-fast: the same without the slow tests, in about two minutes
# make lock: write constraints.txt anew, the versions that are tested together
# make check-newest, make check-oldest: the tests at the newest, and at the lowest, versions
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# pip reads these for what is installed, and for what builds it
LOCKED := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt
PIP := -m pip --quiet --disable-pip-version-check
# of the lock and of the lowest versions: the newest torch with a small build for the CPU at hand
TORCH ?= 2.13.0
EXTRAS := dev,bench,fuzz
# empty: Python keeps what it has compiled; the tests start many programs
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test test-fast docs check lint types lock check-newest check-oldest clean

run: $(VENV)/.run-ready
	$(BIN)/ecg-monitor demo

test: $(VENV)/.dev-ready
	$(BIN)/pytest -n 2 --dist loadgroup

docs: $(VENV)/.dev-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "built: build/site/index.html"

test-fast: $(VENV)/.dev-ready
	$(BIN)/pytest -n 2 --dist loadgroup -m "not slow" --hypothesis-profile fast -p no:logging

check: lint types docs test

lint: $(VENV)/.dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev-ready
	$(BIN)/mypy

lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python $(PIP) install --upgrade --upgrade-strategy eager \
		"torch==$(TORCH)" ".[$(EXTRAS)]"
	{ echo "# Versions that are tested together, on Python 3.11. Written by: make lock"; \
	build/lock/bin/python -m pip freeze --all --exclude pip --exclude wheel \
		--exclude ecg-monitor | sed 's/+cpu$$//' | LC_ALL=C sort -f; } > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/lock

# all at the newest release that pyproject.toml lets in and this machine can hold; torch may
# come as a build of several GB
check-newest:
	rm -rf build/newest
	$(PYTHON) -m venv build/newest
	build/newest/bin/python $(PIP) install --upgrade pip
	build/newest/bin/python $(PIP) install --upgrade --upgrade-strategy eager -e ".[dev]"
	build/newest/bin/python -m pip freeze --all
	@echo "torch: $$(build/newest/bin/python -c 'import torch; print(torch.__version__)')"
	@echo "newer releases that were left out, by a bound in pyproject.toml or on this machine:"
	-build/newest/bin/python -m pip list --disable-pip-version-check --outdated
	build/newest/bin/pytest -n 2 --dist loadgroup

# the lowest versions of all that is asked for directly, beside the tools of the tests; torch is
# $(TORCH), for older ones have no small build (once with: make check-oldest TORCH=2.6.0)
check-oldest:
	rm -rf build/oldest
	$(PYTHON) -m venv build/oldest
	build/oldest/bin/python $(PIP) install packaging
	build/oldest/bin/python tools/lowest.py "$(TORCH)" > build/lowest.txt
	PIP_BUILD_CONSTRAINT=constraints.txt build/oldest/bin/python $(PIP) install \
		-c build/lowest.txt -e ".[dev]"
	build/oldest/bin/python -m pip freeze --all
	build/oldest/bin/pytest -n 2 --dist loadgroup $(CORE)

CORE := tests/models tests/stages tests/sources tests/sinks tests/wire tests/journal \
	tests/recording tests/score tests/metrics tests/test_pipeline.py

clean:
	rm -rf $(VENV) build dist *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(LOCKED) $(BIN)/python $(PIP) install -e .
	touch $@

$(VENV)/.dev-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(LOCKED) $(BIN)/python $(PIP) install -e ".[dev]"
	touch $@ $(VENV)/.run-ready
