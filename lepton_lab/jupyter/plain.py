# SPDX-License-Identifier: BSD-3-Clause
"""Values of files that anyone may have written: each is of the type that was asked for, or it is absent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

EXACT = 2**53


def dig(value: Any, *keys: str) -> Any:
    """The value below some keys, None where there is none.

    >>> dig({"model": {"name": "resnet18"}}, "model", "name"), dig([1], "model")
    ('resnet18', None)
    """
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def text(value: Any, *keys: str) -> str:
    """The text below some keys, else "" ."""
    found = dig(value, *keys)
    return found if isinstance(found, str) else ""


def number(value: Any, *keys: str) -> float | None:
    """The finite number below some keys, else None."""
    found = dig(value, *keys)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    return found if -EXACT <= found <= EXACT else None


def whole(value: Any, *keys: str) -> int:
    """The whole number below some keys, else 0."""
    found = number(value, *keys)
    return int(found) if found is not None else 0


def texts(value: Any, *keys: str) -> list[str]:
    """The texts in the list below some keys."""
    found = dig(value, *keys)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def finite(value: Any) -> Any:
    """A JSON value whose numbers that are not finite are None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, (list, tuple)) else value
