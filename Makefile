# make demo   run the first notebook from the first cell to the last and print what came out
# make lab    open JupyterLab on it
# make test   run every test; all three set up .venv first, on a machine with Python 3.11+ and make only

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo lab test lint bench screenshot clean

demo: $(STAMP)
	$(BIN)/python scripts/demo.py

lab: $(STAMP)
	$(BIN)/jupyter lab notebooks/01_first_model.ipynb

test: $(STAMP)
	bash scripts/chromium.sh
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

bench: $(STAMP)
	$(BIN)/python benchmarks/overhead.py

screenshot: $(STAMP)
	$(BIN)/python scripts/screenshot.py

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) lepton-runs out
