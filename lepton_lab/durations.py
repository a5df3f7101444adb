# SPDX-License-Identifier: BSD-3-Clause
"""How long something may take, as people write it: 90, 90s, 10m, 1h30m."""

from __future__ import annotations

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_WRITTEN = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
LONGEST = 100 * 24 * 3600.0


def seconds(written: float | str) -> float:
    """The seconds of a duration; 0 for empty text.

    Raises:
        ValueError: It is none, with what it needs and the nearest right form.

    >>> seconds("1h30m"), seconds("90s"), seconds(90), seconds("")
    (5400.0, 90.0, 90.0, 0.0)
    """
    found = written if isinstance(written, (int, float)) else _read(written.strip().lower())
    if not 0 <= found <= LONGEST:
        raise ValueError(f"needs a time of at most 100 days; got {written}.")
    return float(found)


def _read(text: str) -> float:
    try:
        return float(text or 0)
    except ValueError:
        pass
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(
            f'needs a time such as 90s, 10m or 1h30m; got "{text[:40]}".{_meant(text)}'
        )
    return sum(float(n) * unit for n, unit in zip(found.groups("0"), _UNITS.values(), strict=True))


def _meant(text: str) -> str:
    """The offer of the nearest right form, where there is one: 10 minutes -> 10m, 1:30 -> 1m30s."""
    if re.fullmatch(r"\d+(:\d+){1,2}", text):
        numbers = text.split(":")
        form = "".join(
            f"{n}{unit}" for n, unit in zip(numbers, "hms"[-len(numbers) :], strict=True)
        )
    else:
        parts = _PART.findall(text)
        form = "".join(number + (unit[:1] or "m") for number, unit in parts)
    return f" Did you mean {form}?" if form and _WRITTEN.fullmatch(form) else ""
