# make run    sets everything up and opens the window
# make test   sets everything up and runs every check, and every test but those marked slow
# make dist   writes a wheel, and a bundle that needs no Python, to dist/ and tries the bundle
VENV   ?= .venv
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(name))))
FILES  ?=
PIP    := $(VENV)/bin/python -m pip install --disable-pip-version-check --quiet -c .ci/constraints.txt
export PYTHON

.PHONY: run test check dist screenshots clean

run: $(VENV)/.run
	$(VENV)/bin/latentseg $(FILES)

test: $(VENV)/.test
	$(VENV)/bin/ruff check .
	QT_QPA_PLATFORM=offscreen $(VENV)/bin/python -m pytest tests/app/test_bindings.py
	.ci/tests $(VENV)/bin/python $(MAKE) check

check: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	.ci/subjects

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "latentseg needs Python 3.11 or newer; none was found. Install one (for instance: sudo apt-get install python3.11 python3.11-venv) or name it: make $(or $(MAKECMDGOALS),run) PYTHON=/path/to/python3.11" >&2; exit 1; }
	.ci/system-libraries
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.run: $(VENV)/.python pyproject.toml .ci/constraints.txt
	@echo "Installing latentseg and what it needs (a few minutes the first time)"
	$(PIP) -e '.[gui]'
	touch $@

$(VENV)/.test: $(VENV)/.python pyproject.toml .ci/constraints.txt
	@echo "Installing latentseg, what it needs, and the tools that test it (a few minutes the first time)"
	$(PIP) -e '.[dev]'
	# The reader of labelme's own format, for its tests alone and without the second Qt that it would bring.
	$(PIP) --no-deps labelme || echo "labelme is not available: its tests are skipped"
	touch $@ $(VENV)/.run

# Some ten minutes. The bundle holds the torch of this environment: with CUDA, it has several gigabytes.
dist: $(VENV)/.bundle
	$(PIP) --upgrade setuptools
	$(VENV)/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	$(VENV)/bin/pyinstaller --noconfirm --log-level WARN --distpath dist --workpath build/bundle .ci/bundle.spec
	LATENTSEG_BUNDLE=dist/latentseg $(VENV)/bin/python -m pytest tests/headless/test_bundle.py
	tar -C dist -czf dist/latentseg-bundle.tar.gz latentseg
	@du -sh dist/*

$(VENV)/.bundle: $(VENV)/.test
	$(PIP) -e '.[bundle]'
	touch $@

# The pictures of the README, taken by driving the real window.
screenshots: $(VENV)/.test
	QT_QPA_PLATFORM=offscreen $(VENV)/bin/python -m tests.e2e.screenshots

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
