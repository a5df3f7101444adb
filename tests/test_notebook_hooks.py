# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOOKS = Path(__file__).parent / "notebook_hooks.py"
MISSING = "%lepton runs"
WRONG = "%load_ext lepton_lab\n%lepton trian"
RIGHT = "%load_ext lepton_lab\n%lepton runs"


def notebook(source: str) -> str:
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "a",
        "metadata": {},
        "outputs": [],
        "source": source,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    )


@pytest.mark.slow
def test_a_notebook_that_misses_the_extension_or_types_a_wrong_verb_fails(tmp_path: Path) -> None:
    shutil.copy(HOOKS, tmp_path / "notebook_hooks.py")
    (tmp_path / "conftest.py").write_text(
        "from notebook_hooks import pytest_runtest_call\n", "utf-8"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n", "utf-8")
    for name, source in (("missing", MISSING), ("wrong", WRONG), ("right", RIGHT)):
        (tmp_path / f"{name}.ipynb").write_text(notebook(source), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "nbval.plugin", "--nbval-lax", "--nbval-current-env", "-rA", "."],
        cwd=tmp_path,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 failed, 1 passed" in done.stdout
    assert "PASSED right.ipynb" in done.stdout
    assert "UsageError: Line magic function `%lepton` not found" in done.stdout
