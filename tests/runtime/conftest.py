# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the runtime's tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data():
    """The shared sample data, or a skip that says where they were looked for."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("LEPTON_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no shared sample data at {folder} (LEPTON_SHARED_DATA)")
    return folder
