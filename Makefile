# make demo   run the first notebook from the first cell to the last and print what came out
# make lab    open JupyterLab on it
# make test   run every test; make faults runs the fault suite with its full counts
#
# All three set up .venv first and need nothing but make and Python 3.11 or newer. To choose the Python:
# make demo PYTHON=python3.13

PYTHON ?= $(or $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done),python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo lab test faults lint bench screenshot clean

demo: $(STAMP)
	@$(BIN)/python scripts/demo.py

lab: $(STAMP)
	$(BIN)/jupyter lab $(ROOT_FLAG) notebooks/01_first_model.ipynb

test: $(STAMP)
	bash scripts/chromium.sh
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest

faults: $(STAMP)
	$(BIN)/python -m pytest tests/faults --faults=full

lint: $(STAMP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

bench: $(STAMP)
	$(BIN)/python benchmarks/overhead.py

screenshot: $(STAMP)
	bash scripts/chromium.sh
	$(BIN)/python scripts/screenshot.py

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into $(VENV); PyTorch is large, so the first time takes some minutes."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $(STAMP)

clean:
	rm -rf $(VENV) out
