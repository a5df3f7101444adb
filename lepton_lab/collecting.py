# SPDX-License-Identifier: BSD-3-Clause
"""The garbage collector at rest while large libraries are imported.

An import makes hundreds of thousands of objects that all stay. The collector looks through them again and
again and finds nothing: a fifth of the time that PyTorch, timm and transformers take to load.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is looked for in the block; afterwards the collector is as it was.

    Example:
        >>> with uncollected():
        ...     gc.isenabled()
        False
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
