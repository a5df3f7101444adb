# SPDX-License-Identifier: BSD-3-Clause
"""What looks at torch without importing it bears that another thread is in the middle of importing it."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest

from lepton_lab.randomness import borrowed_generators, loaded_torch
from lepton_lab.workbench.standing import bench


@pytest.fixture
def half_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = ModuleType("torch")
    torch.__spec__ = ModuleSpec("torch", None)
    torch.__spec__._initializing = True  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)


def test_a_torch_that_is_being_imported_is_not_there_yet(half_imported: None) -> None:
    assert loaded_torch() is None
    before = np.random.get_state()[1].tolist()
    with borrowed_generators():
        np.random.seed(1)
    assert np.random.get_state()[1].tolist() == before
    assert "cores" in str(bench())


def test_a_torch_that_was_imported_is_found() -> None:
    import torch

    assert loaded_torch() is torch
