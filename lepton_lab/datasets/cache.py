# SPDX-License-Identifier: BSD-3-Clause
"""Decoded pictures kept in memory, as many as a budget allows.

Every epoch reads every sample once, so throwing the oldest out to make room would lose each
picture just before it is needed again. The cache fills up and then stays as it is: a data set
twice the budget is half served from memory. Files that were changed meanwhile are not noticed; a
data set is read once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable
from typing import Any

import numpy as np

LARGEST = 2_000_000_000
SHARE_OF_FREE_MEMORY = 0.25


def default_budget() -> int:
    """A quarter of the memory that is free now, at most 2 GB."""
    import psutil

    return int(min(LARGEST, psutil.virtual_memory().available * SHARE_OF_FREE_MEMORY))


class PixelCache:
    """uint8 arrays by key, up to a number of bytes; safe to use from several threads.

    Loader workers that were forked read what was there and add nothing, so that memory does not
    grow with their number. A pickled cache arrives empty.

    Args:
        budget: Bytes; by default a quarter of the free memory, at most 2 GB.
    """

    def __init__(self, budget: int | None = None) -> None:
        self.budget = default_budget() if budget is None else budget
        self.bytes = 0
        self._entries: dict[Hashable, np.ndarray] = {}
        self._lock = threading.Lock()
        self._process = os.getpid()

    def get(self, key: Hashable) -> np.ndarray | None:
        """The array kept under `key` (read-only), or None."""
        return self._entries.get(key)

    def put(self, key: Hashable, array: np.ndarray, share: float = 1.0) -> np.ndarray:
        """Keep `array` if it fits into `share` of the budget; returns it, now read-only."""
        array.flags.writeable = False
        if os.getpid() != self._process:
            return array
        with self._lock:
            if key not in self._entries and self.bytes + array.nbytes <= self.budget * share:
                self._entries[key] = array
                self.bytes += array.nbytes
        return array

    def clear(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._entries.clear()
            self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __getstate__(self) -> dict[str, Any]:
        return {"budget": self.budget}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["budget"])  # type: ignore[misc]
