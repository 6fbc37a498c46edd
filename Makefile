# make demo   set up .venv and recognise a bundled clip; needs no camera and no display
# make test   set up .venv and run the linters and the tests
# make lint   set up .venv and run the linters
#
# make release-check   build sdist and wheel into dist/ and check both, in build/release-tools
#
# .venv is made with uv if that is installed, otherwise with venv and pip.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for one in python3.13 python3.12 python3.11 python3; do \
	if $$one -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; \
	then echo $$one; break; fi; done)
UV := $(shell command -v uv 2>/dev/null)

ifdef UV
INSTALL = uv pip install --quiet --python $(BIN)/python
REINSTALL = $(INSTALL) --no-deps --reinstall
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
REINSTALL = $(INSTALL) --no-deps --force-reinstall
endif

.PHONY: demo test lint docs docs-site figures soak bench bench-input bench-export bench-gpu release-check clean
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime
	@$(BIN)/rtaction demo

test: lint
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder --durations=10

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Writes docs/cli.md from the commands.
docs: $(VENV)/.dev
	@$(BIN)/python -m tools.make_reference

# Builds the pages of docs/ into build/site: open build/site/index.html, it needs no server.
docs-site: $(VENV)/.dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# Measures the tables of docs/figures, some ten minutes, and writes them there.
figures: $(VENV)/.dev
	@$(BIN)/python -m benchmarks.figures

# Injects faults for half an hour, then drops 200 connections.
soak: $(VENV)/.dev
	@$(BIN)/pytest -m soak -s

bench: $(VENV)/.dev
	@$(BIN)/python -m benchmarks.streaming

bench-input: $(VENV)/.dev
	@$(BIN)/python -m benchmarks.training_input

bench-export: $(VENV)/.dev
	@$(BIN)/python -m benchmarks.export

# Measures what only a CUDA machine can show; skips, with a reason, what this one lacks.
bench-gpu: $(VENV)/.dev
	@$(BIN)/python -m benchmarks.gpu

# Builds what would be published and checks it; TAG=v0.3.0 wants that version. See docs/releasing.md.
RELEASE := build/release-tools
release-check: $(RELEASE)/.ready
	@rm -rf dist build/lib build/bdist.*
	@$(RELEASE)/bin/python -m build --outdir dist .
	@$(RELEASE)/bin/python -m tools.release_check --tag '$(TAG)'

$(RELEASE)/.ready: pyproject.toml
	@test -n '$(PYTHON)' || { echo 'make release-check needs Python 3.11, 3.12 or 3.13.'; exit 1; }
	@rm -rf $(RELEASE) && $(PYTHON) -m venv $(RELEASE)
	@$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	@$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --group release
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/bin/python:
ifdef UV
	@uv venv --quiet --python '>=3.11,<3.14' $(VENV)
else
	@test -n '$(PYTHON)' || { \
		echo 'rtaction needs Python 3.11, 3.12 or 3.13, and none was found.'; \
		echo 'Install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv), or uv.'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo 'Could not create a Python environment; see the error above.'; \
		echo 'On Debian and Ubuntu: sudo apt-get install python3-venv, then run this again.'; exit 1; }
endif

# Where the system libraries for windows are missing, as on many servers, everything else still works.
define without_windows
	@$(BIN)/python -c 'import cv2' 2>/dev/null || { \
		$(BIN)/python -c 'import cv2' 2>&1 | tail -n 1; \
		echo 'OpenCV needs system libraries for its windows, and some are not installed.'; \
		echo '  Debian, Ubuntu:  sudo apt-get install libxcb1 libgl1 libglib2.0-0'; \
		echo '  Fedora:          sudo dnf install libxcb mesa-libGL glib2'; \
		echo 'Then run make clean, and this command again. Continuing without windows.'; \
		$(REINSTALL) opencv-python-headless; }
endef

$(VENV)/.runtime: pyproject.toml | $(VENV)/bin/python
	@echo 'Setting up $(VENV) (about 400 MB, takes a minute or so) …'
	@$(INSTALL) --editable .
	$(without_windows)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	@echo 'Setting up $(VENV) with TensorFlow and the test tools (about 2.5 GB, takes a few minutes) …'
	@$(INSTALL) --editable '.[dev]'
	$(without_windows)
	@touch $@ $(VENV)/.runtime
