# SPDX-License-Identifier: BSD-3-Clause
"""Model names for Tab completion: at hand in milliseconds, never from the network."""

from __future__ import annotations

from lepton_lab.catalog import cache, index

LIMIT = 50


def complete(prefix: str) -> list[str]:
    """Names that begin with `prefix`, then names that contain it; what is on this machine first.

    Architectures come without their tags until a dot is typed.

    Args:
        prefix: What was typed so far, in any case of letters.

    Returns:
        At most 50 names.
    """
    typed = prefix.lower()
    here = set(cache.cached_repositories())
    found: dict[str, tuple[int, int]] = {}
    for place, entry in enumerate(index.entries()):
        for name in _shown(entry.name, entry.architecture, "." in typed):
            at = name.lower().find(typed)
            if at >= 0:
                local = bool(entry.location) or entry.hub_id in here
                rank = (0 if local and at == 0 else 1 if at == 0 else 2 if local else 3, place)
                found[name] = min(found.get(name, rank), rank)
    return sorted(found, key=lambda name: found[name])[:LIMIT]


def _shown(name: str, architecture: str, tags: bool) -> tuple[str, ...]:
    return (name,) if tags else (architecture,)
