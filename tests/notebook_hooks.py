# SPDX-License-Identifier: BSD-3-Clause
"""Makes notebook tests see what nbval does not: a `UsageError` that IPython only prints.

IPython answers an unknown magic (a notebook that forgot `%load_ext lepton_lab`, an empty `%%lepton`
cell) with one line on stderr and no error message, and nbval takes the cell for a success. A
`conftest.py` at the root imports `pytest_runtest_call` from here.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a notebook cell whose output holds a printed UsageError."""
    result = yield
    for output in getattr(item, "test_outputs", None) or ():
        if is_usage_error(output):
            pytest.fail(output["text"].strip(), pytrace=False)
    return result


def is_usage_error(output: Any) -> bool:
    """Whether a cell's output is IPython's printed UsageError."""
    stderr = output.get("output_type") == "stream" and output.get("name") == "stderr"
    return stderr and any(
        line.startswith("UsageError") for line in output.get("text", "").splitlines()
    )
