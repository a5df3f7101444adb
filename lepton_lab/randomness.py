# SPDX-License-Identifier: BSD-3-Clause
"""The process's global random generators, borrowed for a moment.

Augmentation, dropout and new heads draw from generators that the whole process shares and that belong to
the user: they are seeded, used and put back. Whoever does that holds one lock, so that two runs, or a run
and a model that is built meanwhile, never draw from each other's seed.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

generators = threading.RLock()


def loaded_torch() -> Any:
    """The module torch where it was imported to its end; None also while another thread still imports it."""
    torch = sys.modules.get("torch")
    unfinished = getattr(getattr(torch, "__spec__", None), "_initializing", False)
    return None if unfinished else torch


@contextmanager
def borrowed_generators() -> Iterator[None]:
    """Seeding inside the block leaves the generators of Python, NumPy and torch (CPU) as they were.

    A torch that was not imported yet has no state to keep.
    """
    torch = loaded_torch()
    with generators:
        python, legacy = random.getstate(), np.random.get_state()
        tensors = torch.random.get_rng_state() if torch else None
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)
            if torch:
                torch.random.set_rng_state(tensors)
