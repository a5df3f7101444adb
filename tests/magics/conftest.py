# SPDX-License-Identifier: BSD-3-Clause
"""A real IPython shell and a real kernel, with the extension loaded."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A fresh shell in an empty folder, `%load_ext lepton_lab` done."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEPTON_RUNS", raising=False)
    config = Config()
    config.HistoryManager.enabled = False
    made = InteractiveShell(config=config, ipython_dir=str(tmp_path / ".ipython"))
    made.run_line_magic("load_ext", "lepton_lab")
    yield made
    atexit.unregister(made.atexit_operations)
    made.atexit_operations()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a running kernel, in an empty folder, `%load_ext lepton_lab` done."""
    from jupyter_client.manager import start_new_kernel

    folder = tmp_path_factory.mktemp("kernel")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "LEPTON_RUNS": str(folder / "runs")}
    manager, client = start_new_kernel(cwd=str(folder), env=environment, startup_timeout=60)
    try:
        client.execute_interactive("%load_ext lepton_lab", timeout=60)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
